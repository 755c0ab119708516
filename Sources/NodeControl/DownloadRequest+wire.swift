import BackendAPI
import NodeConfig
package import PeerEngine
package import WireAPI

extension DownloadRequest {
    /// What a client asks for.
    ///
    /// Throws `.invalidRequest` where it names nothing.
    package init(_ wire: NodeDownloadRequest) throws(WireError) {
        guard wire.url != nil || wire.digest != nil else {
            throw WireError(.invalidRequest, "a download needs a url or a digest")
        }
        let resource = wire.url.map {
            Resource(
                url: $0,
                headers: wire.headers,
                digest: wire.digest,
                tag: wire.tag,
                ignoredQuery: wire.ignoredQuery
            )
        }
        self.init(
            resource: resource,
            digest: wire.digest,
            credentials: Credentials(headers: wire.credentials),
            pattern: wire.pattern,
            notBackToSource: wire.notBackToSource,
            limit: Rate(bytesPerSecond: wire.limit)
        )
    }
}
