package import BackendAPI
import Content
import RateLimiting

extension PeerEngine {
    /// Fetches from the origin past the swarm and the store, within the node's limits: for a client that nothing else helps.
    package func fetchDirectly(_ request: OriginRequest, into sink: any ContentSink) async throws(BackendError) {
        var request = request
        request.limits = limits.fetches(of: request.resource.taskID)
        try await backends.backend(for: request.resource.url).fetch(request, into: sink)
    }
}
