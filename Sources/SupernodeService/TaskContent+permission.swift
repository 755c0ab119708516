import BackendAPI
import CacheStore
import Content
import OriginFetch
import Synchronization
import WireAPI

extension TaskContent {
    /// Throws where `source` does not show that it may have the content that is here.
    func permit(_ source: Source?) async throws(WireError) {
        let decision = state.withLock { $0.access?.decide(source, at: task.clock.now()) ?? .refuse }
        switch decision {
        case .allow: return
        case .refuse:
            throw WireError(
                .sourceUnverified,
                "this source can not show that it may have the content; fetch it directly"
            )
        case .askOrigin:
            guard let source else { return }
            let head: ContentHead
            do throws(BackendError) {
                let backend = try backends.backend(for: source.resource.url)
                head = try await backend.head(OriginRequest(resource: source.resource, credentials: source.credentials))
            } catch {
                throw WireError(error).atSupernode
            }
            // Under one URL each may have content of his own: the origin means what is here only if it describes it.
            let isBringer = state.withLock { $0.access?.isBringer(source) ?? false }
            guard
                task.record?.describes(head, length: task.file?.layout.length, unnamed: isBringer) == true
            else {
                throw WireError(
                    .sourceUnverified,
                    "the origin has other content for these credentials; fetch it directly"
                )
            }
            state.withLock { $0.access?.permit(source, until: task.clock.now() + permissionTime) }
        }
    }
}
