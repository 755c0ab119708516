import Content
package import CurlTransport
package import HTTPService
import HTTPTypes
package import Hummingbird
import Logging
package import OriginFetch
package import PeerEngine
import RegistryProtocol
import WireAPI

/// The registry mirror: blobs by digest through the swarm, everything else straight to the registry.
package struct MirrorResponder: HTTPResponder {
    package typealias Context = ServiceRequestContext

    private let upstreams: Upstreams
    private let blobs: BlobResponder
    private let relay: Relay

    /// `options`: the node's settings for origins.
    ///
    /// `jobs` runs the requests that are passed on.
    package init(
        _ configuration: MirrorConfiguration,
        engine: PeerEngine,
        transport: CurlTransport,
        options: TransferOptions,
        jobs: BackgroundJobs
    ) {
        upstreams = Upstreams(configuration, options: options)
        blobs = BlobResponder(engine: engine)
        relay = Relay(transport: transport, jobs: jobs)
    }

    package func respond(to request: Request, context: ServiceRequestContext) async throws -> Response {
        let path = request.uri.path
        guard let place = RegistryPath(path) else { return Self.error(.notFound, .unsupported, "no such endpoint") }
        guard let (upstream, query) = upstreams.upstream(forQuery: request.uri.query) else {
            return Self.error(.notFound, .nameUnknown, "this node does not mirror that registry")
        }
        let url = upstream.url(path: path, query: query)
        if request.method == .get, case .blob(_, let digest) = place, query == nil, let resource = ResourceURL(url) {
            do throws(DownloadError) {
                return try await blobs.respond(to: request, url: resource, digest: digest)
            } catch {
                context.logger.info(
                    "the swarm can not help, passing on",
                    metadata: ["url": "\(resource)", "reason": "\(error.message)"]
                )
                if error.code == .digestMismatch { return Self.error(.badGateway, .blobUnknown, error.message) }
            }
        }
        do {
            return try await relay.pass(request, to: url, options: upstream.options)
        } catch let error as APIError {
            // The client shows a status at best: what is wrong, such as an unknown authority, stands here alone.
            context.logger.warning(
                "not passed on",
                metadata: ["url": "\(upstream.base.url.origin + path)", "reason": "\(error.message)"]
            )
            return Self.error(.badGateway, .unavailable, error.message)
        }
    }

    private static func error(
        _ status: HTTPResponse.Status,
        _ code: RegistryErrorCode,
        _ message: String
    ) -> Response {
        .json(RegistryErrorBody(code, message: message), status: status)
    }
}
