package import BackendAPI
import Content
import OriginFetch

extension PeerEngine {
    /// What the origin says of a resource now.
    package func lookUp(
        _ resource: Resource,
        credentials: Credentials
    ) async throws(DownloadError) -> ContentHead {
        do throws(BackendError) {
            return try await backends.backend(for: resource.url)
                .head(OriginRequest(resource: resource, credentials: credentials))
        } catch {
            throw DownloadError(error)
        }
    }
}
