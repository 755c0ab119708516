import BackendAPI
import CacheStore
import Content
import OriginFetch
import Synchronization
import WireAPI

extension TaskContent {
    /// Throws where `source` does not show that it may have the content that is here.
    ///
    /// Throws ``WireError/Code/busy`` where the question waits for too long for a connection.
    func permit(_ source: Source?) async throws(WireError) {
        do throws(AccessFailure) {
            try await inquiries.permit(source) { self.held }
        } catch {
            throw WireError(error).atSupernode
        }
    }

    /// The origin has just given `source` what is here.
    func learn(_ source: Source) {
        guard let held else { return }
        inquiries.learn(source, held)
    }

    /// What is here, or on its way.
    private var held: HeldContent? {
        let bringer = state.withLock { $0.bringer }
        return task.held(from: bringer)
    }
}

/// Whose source brought which version.
struct Bringer: Sendable {
    let source: Digest
    let generation: Generation
}

extension SwarmTask {
    /// What the task has, for the question who may have it; nil while there is nothing.
    fileprivate func held(from bringer: Bringer?) -> HeldContent? {
        state.withLock { state in
            guard let record = state.record, let generation = state.generation else { return nil }
            return HeldContent(
                record,
                of: id,
                generation,
                length: state.file?.layout.length,
                bringer: bringer?.generation == generation ? bringer?.source : nil
            )
        }
    }
}
