import Content
import Logging
import Synchronization
import WireAPI

/// Complete content that is offered to others.
extension TaskDownload {
    /// Goes on offering the content where it has been joined or announced, for as long as it is here and this node runs:
    /// joins again whenever the supernode has forgotten this node or the task.
    ///
    /// Returns when the supernode has refused it for good.
    package func keepOffering() async {
        guard let connection = state.withLock({ $0.connection }) else { return }
        defer { connection.detach(self) }
        for await event in events {
            switch event {
            case .withdrawn: return
            case .rejoin, .failed: guard await join(connection, again: true) else { return }
            case .work, .lost, .unwritable, .abandoned: continue
            }
        }
    }

    /// Joins the task at a supernode only to offer what is here, and goes on as ``keepOffering()``.
    func offer(at connection: SupernodeConnection) async {
        if await join(connection, again: false) { await keepOffering() }
    }

    /// Nothing is offered any longer, whatever the supernode thinks.
    func retire() {
        state.withLock { $0.isRetired = true }
        post(.withdrawn)
    }

    /// What became of one try.
    private enum Answer {
        case joined
        /// Nobody wants it now, or nobody can tell: that may change.
        case later(String)
        case never(String)
    }

    /// Tries until the supernode lets this node offer the content, or refuses it for good.
    ///
    /// `again`: it has been offered before.
    private func join(_ connection: SupernodeConnection, again: Bool) async -> Bool {
        var failures = 0
        while true {
            let answer = await ask(connection)
            if Task.isCancelled || state.withLock({ $0.isRetired }) { return false }
            switch answer {
            case .joined:
                announce(to: connection)
                connection.attach(self)
                return true
            case .never(let reason):
                connection.detach(self)
                logger.info("not offered any more", metadata: ["task": "\(taskID)", "reason": "\(reason)"])
                return false
            case .later(let reason):
                logger.log(
                    level: again && failures == 0 ? .info : .debug,
                    "not offered until somebody wants it",
                    metadata: ["task": "\(taskID)", "reason": "\(reason)"]
                )
                connection.detach(self)
                // Whoever withdraws it from now on has nobody to tell.
                let isWithdrawn = state.withLock { state in
                    state.connection = nil
                    return state.withdraws
                }
                failures += 1
                guard !isWithdrawn, await connection.offerPace.pause(after: failures) else { return false }
            }
        }
    }

    private func ask(_ connection: SupernodeConnection) async -> Answer {
        do throws(SupernodeError) {
            let (response, _) = try await connection.join(joinRequest(connection, offersOnly: true))
            return response.generation == generation ? .joined : .never("the supernode has another version")
        } catch {
            switch error {
            case .cancelled: return .never("cancelled")
            case .unreachable(let message, _): return .later(message)
            case .refused(let error):
                return Self.isFinal(error) ? .never(error.message) : .later(error.message)
            }
        }
    }

    /// Whether a refusal is about this content or this node, and would be the same tomorrow.
    private static func isFinal(_ error: WireError) -> Bool {
        [
            .invalidRequest, .unauthenticated, .unsupportedVersion, .sourceRefused, .sourceUnverified, .originNotFound,
            .originUnauthorized, .originForbidden, .digestMismatch,
        ]
        .contains(error.code)
    }
}
