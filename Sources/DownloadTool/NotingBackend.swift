import BackendAPI
import Synchronization

/// The last failure of an origin that dfget itself has asked.
final class OriginFailures: Sendable {
    private let code = Mutex<BackendError.Code?>(nil)

    func note(_ error: BackendError) { code.withLock { $0 = error.code } }

    /// Whether there was no connection to speak of.
    var isUnreachable: Bool {
        let code = code.withLock { $0 }
        return code == .unreachable || code == .tls || code == .timedOut
    }
}

/// Notes why a backend fails: whoever hears of it in the end wants to know more than that.
struct NotingBackend: Backend {
    private let backend: any Backend
    private let failures: OriginFailures

    init(_ backend: any Backend, _ failures: OriginFailures) {
        self.backend = backend
        self.failures = failures
    }

    var capabilities: BackendCapabilities { backend.capabilities }

    func fetch(_ request: OriginRequest, into sink: any ContentSink) async throws(BackendError) {
        do throws(BackendError) {
            try await backend.fetch(request, into: sink)
        } catch {
            failures.note(error)
            throw error
        }
    }

    func head(_ request: OriginRequest) async throws(BackendError) -> ContentHead {
        try await backend.head(request)
    }

    func list(_ request: OriginRequest) async throws(BackendError) -> [ListedEntry] {
        try await backend.list(request)
    }
}
