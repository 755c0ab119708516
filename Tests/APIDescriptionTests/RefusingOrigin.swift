import BackendAPI
import Content
import NodeConfig
import Synchronization

/// An origin in memory that refuses some URLs, for as long as it is asked for them.
final class RefusingOrigin: Backend {
    let memory = MemoryBackend()
    private let refusals = Mutex<[String: BackendError]>([:])

    var capabilities: BackendCapabilities { memory.capabilities }

    func refuse(_ url: ResourceURL, _ error: BackendError) { refusals.withLock { $0[url.text] = error } }

    func fetch(_ request: OriginRequest, into sink: any ContentSink) async throws(BackendError) {
        try check(request)
        try await memory.fetch(request, into: sink)
    }

    func head(_ request: OriginRequest) async throws(BackendError) -> ContentHead {
        try check(request)
        return try await memory.head(request)
    }

    private func check(_ request: OriginRequest) throws(BackendError) {
        if let refusal = refusals.withLock({ $0[request.resource.url.text] }) { throw refusal }
    }

    /// The plugin for `http`.
    struct Plugin: BackendPlugin {
        let origin: RefusingOrigin
        let name = "memory"
        let schemes = ["http"]
        func makeBackend(_ options: RawConfig) throws(ConfigError) -> any Backend { origin }
    }
}
