import BackendAPI
import CacheStore
import Content
import OriginFetch
import RateLimiting
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
            let head = try await head(for: source)
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

    /// What the origin says of the content to these credentials.
    ///
    /// Throws ``WireError/Code/busy`` where the question waits for too long for a connection.
    private func head(for source: Source) async throws(WireError) -> ContentHead {
        let question = Cancellation()
        do throws(BackendError) {
            let backend = try backends.backend(for: source.resource.url)
            var request = OriginRequest(resource: source.resource, credentials: source.credentials)
            guard let connections = backend.connections(to: source.resource.url) else {
                return try await backend.head(request)
            }
            request.holdsConnection = true
            let asked = request
            let cancelled = BackendError(.cancelled, "cancelled")
            let ticket = state.withLock { state in
                let ticket = state.nextTicket()
                state.questions[ticket] = (task.clock.now(), question)
                return ticket
            }
            defer { state.withLock { $0.questions[ticket] = nil } }
            let head = try await question.run { () async throws(BackendError) -> ContentHead in
                try await connections.run(cancelled: cancelled) { () async throws(BackendError) in
                    self.state.withLock { $0.questions[ticket] = nil }
                    return try await backend.head(asked)
                }
            }
            guard let head else { throw cancelled }
            return head
        } catch {
            guard !question.isCancelled else {
                throw WireError(
                    .busy,
                    "all connections to the origin are in use, and it has to be asked about these credentials"
                )
            }
            throw WireError(error).atSupernode
        }
    }
}
