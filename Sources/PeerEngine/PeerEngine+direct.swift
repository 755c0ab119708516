package import BackendAPI
import CacheStore
import Content
import RateLimiting
import WireAPI

extension PeerEngine {
    /// The content if it is complete here and the origin lets the request have it; nothing is fetched.
    ///
    /// The caller releases what is returned; nil where it is not here. Throws what the origin has against the request.
    package func held(_ request: DownloadRequest) async throws(DownloadError) -> TaskDownload? {
        guard let id = request.taskID, let store else { return nil }
        return try await complete(request, id, StoredDestination(store: store, task: id))
    }

    /// Fetches from the origin past the swarm and the store, within the node's limits: for a client that nothing else helps.
    package func fetchDirectly(_ request: OriginRequest, into sink: any ContentSink) async throws(BackendError) {
        var request = request
        request.limits = limits.fetches(of: request.resource.taskID)
        try await backends.backend(for: request.resource.url).fetch(request, into: sink)
    }
}
