import BackendAPI
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

/// The registry mirror: blobs and manifests by digest through the swarm, tags as the registry says now, everything else straight
/// to the registry.
package struct MirrorResponder: HTTPResponder {
    package typealias Context = ServiceRequestContext

    private let upstreams: Upstreams
    private let blobs: BlobResponder
    private let manifests: ManifestResponder
    private let relay: MirrorRelay
    private let login: MirrorLogin
    private let patienceWithTags: Duration

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
        blobs = BlobResponder(configuration, engine: engine, jobs: jobs)
        login = MirrorLogin(transport: transport)
        patienceWithTags = configuration.patienceWithTags
        relay = MirrorRelay(relay: Relay(transport: transport, jobs: jobs), login: login)
        manifests = ManifestResponder(engine: engine, configuration: configuration) {
            resource,
            credentials throws(DownloadError) in try await engine.lookUp(resource, credentials: credentials)
        }
    }

    package func respond(to request: Request, context: ServiceRequestContext) async throws -> Response {
        let target: MirrorTarget
        do throws(Upstreams.Refusal) {
            target = try upstreams.target(path: request.uri.path, query: request.uri.query)
        } catch {
            return refusal(error, request)
        }
        context.notes["upstream"] = target.upstream.name
        var response = try await answer(request, context, target)
        if case .namespace(let name) = target.form { response.headers.set("OCI-Namespace", name) }
        return response
    }

    /// A registry has taken a request for one of its URLs, whichever way it came through this node.
    func changed(_ url: ResourceURL, by method: HTTPRequest.Method) { manifests.changed(url, by: method) }

    private func answer(
        _ request: Request,
        _ context: ServiceRequestContext,
        _ target: MirrorTarget
    ) async throws -> Response {
        let identity: MirrorIdentity
        do throws(DockerConfig.Fault) {
            identity = try target.identity(of: request)
        } catch {
            context.logger.warning("login can not be used", metadata: ["reason": "\(error.message)"])
            return Self.error(.badGateway, .unavailable, error.message)
        }
        // A HEAD asks what that repository has, as whoever pushes does: this node's store knows only while nobody else does.
        let asksRegistryFirst = if case .blob = target.path { request.method == .head } else { false }
        if asksRegistryFirst { context.notes.set(.blob) }
        var silence = target.asksRegistry(request.method) ? target.upstream.silence(patienceWithTags) : nil
        if !asksRegistryFirst, let content = try await content(request, context, target, identity, &silence) {
            return content
        }
        do {
            let answer = try await relay.pass(request, to: target, as: identity, within: silence)
            if answer.status.kind == .successful, let url = ResourceURL(target.url) { changed(url, by: request.method) }
            guard asksRegistryFirst, answer.status.kind == .serverError else { return answer }
            return try await content(request, context, target, identity, &silence) ?? answer
        } catch let error as APIError {
            if asksRegistryFirst, let content = try await content(request, context, target, identity, &silence) {
                return content
            }
            // The client shows a status at best: what is wrong, such as an unknown authority, stands here alone.
            context.logger.warning(
                "not passed on",
                metadata: [
                    "url": "\(target.upstream.base.url.origin + target.path.description)", "reason": "\(error.message)",
                ]
            )
            // A client may look here for any registry, and it is the remote alone that is out of reach.
            let isOtherwiseGood = target.path == .base && target.form == .remote && error.code == "upstream_unavailable"
            if isOtherwiseGood { return Self.present }
            switch error.code {
            case Silence.code: return Self.error(.gatewayTimeout, .unavailable, error.message)
            case APIError.brokenBody:
                let isManifest = if case .manifest = target.path { true } else { false }
                return Self.error(.badRequest, isManifest ? .manifestInvalid : .blobUploadInvalid, error.message)
            default: return Self.error(.badGateway, .unavailable, error.message)
            }
        }
    }

    /// Content from the swarm; nil where the request is to be passed on.
    ///
    /// `silence`: that of a registry that is asked itself.
    private func content(
        _ request: Request,
        _ context: ServiceRequestContext,
        _ target: MirrorTarget,
        _ identity: MirrorIdentity,
        _ silence: inout Silence?
    ) async throws -> Response? {
        do throws(DownloadError) {
            switch (target.path, request.method) {
            case (.blob(_, let digest), .get) where target.query == nil,
                (.blob(_, let digest), .head) where target.query == nil:
                guard let url = ResourceURL(target.url) else { return nil }
                return try await blobs.respond(
                    to: request,
                    context: context,
                    url: url,
                    digest: digest,
                    credentials: login.renewing(identity, at: target)
                )
            case (.manifest, .get), (.manifest, .head):
                return try await manifests.respond(to: request, context, target: target) {
                    [login] () async throws(DownloadError) in
                    try await login.credentials(identity, at: target)
                }
            default: return nil
            }
        } catch {
            if error.isSilence {
                context.logger.warning("the registry is silent", metadata: ["reason": "\(error.message)"])
                return Self.error(.gatewayTimeout, .unavailable, error.message)
            }
            // That nobody has vouched for what is here is this node's own word.
            if !ManifestResponder.isOutage(error), error.code != .sourceUnverified { silence?.isBroken() }
            context.notes["direct"] = error.code.rawValue
            context.logger.info(
                "the swarm can not help, passing on",
                metadata: [
                    "url": "\(target.upstream.base.url.origin + target.path.description)", "reason": "\(error.message)",
                ]
            )
            switch error.code {
            case .digestMismatch: return Self.error(.badGateway, .blobUnknown, error.message)
            case .originThrottled:
                return MirrorRelay.unavailable(.seconds(error.detail["retry_after"].flatMap { Int64($0) } ?? 1))
            default: return nil
            }
        }
    }

    private func refusal(_ refusal: Upstreams.Refusal, _ request: Request) -> Response {
        switch refusal {
        case .noEndpoint: return Self.error(.notFound, .unsupported, "no such endpoint")
        case .unknownRegistry:
            if RegistryPath(request.uri.path) == .base, request.uri.query == nil { return Self.present }
            return Self.error(.notFound, .nameUnknown, "this node does not mirror that registry")
        }
    }

    /// There is a registry here.
    private static var present: Response {
        var response = Response(status: .ok, headers: [.contentType: "application/json"])
        response.headers.set("Docker-Distribution-Api-Version", "registry/2.0")
        response.body = .init(byteBuffer: .init(string: "{}"))
        return response
    }

    private static func error(
        _ status: HTTPResponse.Status,
        _ code: RegistryErrorCode,
        _ message: String
    ) -> Response {
        .json(RegistryErrorBody(code, message: message), status: status)
    }
}
