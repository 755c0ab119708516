import BackendAPI
import Content
import PeerEngine
import WireAPI

/// A blob that a client wants, and the right to it.
struct BlobRequest: Sendable {
    let resource: Resource
    let digest: Digest
    /// Whether nothing but what is asked for is to be fetched.
    let isLazy: Bool
    private let makeCredentials: @Sendable () async throws(DownloadError) -> Credentials

    /// `credentials`: gives fresh ones each time.
    init(
        url: ResourceURL,
        digest: Digest,
        isLazy: Bool,
        credentials: @escaping @Sendable () async throws(DownloadError) -> Credentials
    ) {
        resource = Resource(url: url, digest: digest)
        self.digest = digest
        self.isLazy = isLazy
        makeCredentials = credentials
    }

    /// What the engine is asked for, with fresh credentials.
    func download() async throws(DownloadError) -> DownloadRequest {
        DownloadRequest(resource: resource, credentials: try await credentials(), isLazy: isLazy)
    }

    /// Fresh credentials.
    func credentials() async throws(DownloadError) -> Credentials { try await makeCredentials() }
}
