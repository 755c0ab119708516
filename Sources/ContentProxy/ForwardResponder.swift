import BackendAPI
package import Content
package import CurlTransport
package import HTTPService
import HTTPTypes
package import Hummingbird
import Logging
package import OriginFetch
package import PeerEngine
import RegistryProtocol
import WireAPI

/// The HTTP proxy: what its rules say through the swarm, with a shared cache's manners (RFC 9111), everything else straight to
/// the origin.
package struct ForwardResponder: Sendable {
    private let rules: [ForwardRule]
    private let engine: PeerEngine
    private let relay: Relay
    private let blobs: BlobResponder
    private let options: TransferOptions
    private let via: Via
    /// How long a registry may say nothing about what it has.
    private let patience: Duration
    private let memory = ForwardMemory()

    /// `mirror`: how blobs of registries are answered, whichever way they are asked for.
    ///
    /// `options`: the node's settings for origins.
    ///
    /// `jobs` runs the requests that are passed on.
    package init(
        _ rules: [ForwardRule],
        mirror: MirrorConfiguration,
        engine: PeerEngine,
        transport: CurlTransport,
        options: TransferOptions,
        jobs: BackgroundJobs
    ) {
        self.rules = rules
        self.engine = engine
        via = Via()
        relay = Relay(transport: transport, jobs: jobs, via: via)
        blobs = BlobResponder(mirror, engine: engine, jobs: jobs)
        self.options = options
        patience = mirror.patienceWithTags
    }

    /// Answers a request for an absolute URL.
    ///
    /// `own`: how its origin is spoken to, where that differs from the node's settings; what goes through the swarm keeps to the
    /// backends of whoever fetches.
    ///
    /// `known`: what the origin of that very URL has answered already, for a request that would go straight there.
    ///
    /// Throws an ``APIError`` where the origin can not be reached, and for what is no request for a proxy.
    package func respond(
        to request: Request,
        url: ResourceURL,
        context: ServiceRequestContext,
        options own: TransferOptions? = nil,
        known: Response? = nil
    ) async throws -> Response {
        guard !via.isLoop(request.headers) else {
            throw APIError(
                HTTPResponse.Status(code: 508, reasonPhrase: "Loop Detected"),
                "proxy_loop",
                "the request has come through this proxy already",
                detail: [
                    "advice": "dfdaemon's own http_proxy, or that of its upstream proxy, leads back to it: unset it"
                ]
            )
        }
        var exchange = ForwardExchange(request, context, client: url, rule: rules.first(for: url), via: via)
        exchange.options = own ?? options
        // A redirect is the client's to follow, and how long it waits is the client's business too.
        exchange.options.followRedirects = false
        exchange.options.lowSpeed = nil
        context.notes["upstream"] = exchange.target.authority
        if let answer = try exchange.ownAnswer() { return answer }
        if let response = try await blob(exchange) { return response }
        switch CachePolicy(request.method, request.headers, exchange.rule) {
        case .straight(let reason):
            if reason == .unknownField { context.notes["field"] = InertFields.exception(in: request.headers) }
            if let known, exchange.target == url { return passedOn(known, exchange, reason) }
            return try await straight(exchange, reason.rawValue)
        case .unsatisfiable: throw Self.nothingHere
        case .content(let use): return try await content(exchange, use)
        }
    }

    // MARK: Content

    private func content(_ exchange: ForwardExchange, _ use: CachePolicy.ContentUse) async throws -> Response {
        let resource = exchange.resource(use.headers)
        let task = resource.taskID
        let source = Source(resource: resource, credentials: Credentials(headers: use.credentials))
        var order = DownloadRequest(resource: resource, credentials: source.credentials)
        order.freshness = memory.demand(use.freshness, for: exchange.target)
        exchange.context.notes.set(.content)
        exchange.context.notes.set(task)
        if let held = await self.held(order) {
            return try await ForwardContent(held, exchange, .hit).response()
        }
        if use.onlyIfCached { throw Self.nothingHere }
        let earlier = engine.heldRecord(of: task)
        var status = CacheStatus()
        status.forward = earlier == nil ? .miss : use.freshness?.maxAge == nil ? .stale : .request
        if use.isHead { return try await straight(exchange, "head", status) }
        if let refusal = memory.refusal(of: task, by: source.key) {
            if let stale = await self.stale(order, use, earlier, refusal, exchange) { return stale }
            return try await straight(exchange, refusal.code.rawValue, status)
        }
        do throws(DownloadError) {
            status.isStored = true
            return try await download(order, exchange, status)
        } catch {
            status.isStored = false
            memory.remember(error, of: task, by: source.key)
            exchange.context.logger.info(
                "the swarm can not help, passing on",
                metadata: ["url": "\(exchange.target.withoutQuery)", "reason": "\(error.message)"]
            )
            if let stale = await self.stale(order, use, earlier, error, exchange) { return stale }
            return try await straight(exchange, error.code.rawValue, status)
        }
    }

    private func download(
        _ order: DownloadRequest,
        _ exchange: ForwardExchange,
        _ status: CacheStatus
    ) async throws(DownloadError) -> Response {
        let content = ForwardContent(try await engine.download(order), exchange, status)
        return try await content.response()
    }

    /// What is here and good; an origin that does not answer about somebody's right to it is asked by the client itself.
    private func held(_ order: DownloadRequest) async -> TaskDownload? {
        do throws(DownloadError) { return try await engine.held(order) } catch { return nil }
    }

    /// What is here and out of date, where the origin fails and has allowed that.
    private func stale(
        _ order: DownloadRequest,
        _ use: CachePolicy.ContentUse,
        _ record: OriginRecord?,
        _ error: WireError,
        _ exchange: ForwardExchange
    ) async -> Response? {
        guard let record, CachePolicy.allowsStale(record, at: UnixTime.now(), use, error) else { return nil }
        var order = order
        order.freshness = FreshnessDemand(lifetime: .greatestFiniteMagnitude)
        guard let held = await self.held(order) else { return nil }
        var status = CacheStatus()
        status.forward = .stale
        status.detail = "stale-if-error"
        do throws(DownloadError) {
            return try await ForwardContent(held, exchange, status).response()
        } catch {
            return nil
        }
    }

    /// A blob of a registry is named by its digest: the swarm knows better than a cache who may have it.
    private func blob(_ exchange: ForwardExchange) async throws -> Response? {
        guard let rule = exchange.rule, !rule.direct, exchange.target.query == nil,
            !Via.isSwarm(exchange.request.headers), case .blob(_, let digest)? = RegistryPath(exchange.target.path)
        else { return nil }
        guard exchange.request.method == .head else { return await blob(digest, exchange) }
        // A HEAD asks what that repository has, as whoever pushes does: this node's store knows only while nobody else does.
        exchange.context.notes.set(.blob)
        do {
            let silence = Silence(of: exchange.target.origin, most: patience)
            let answer = try await straight(exchange, "head", within: silence)
            guard answer.status.kind == .serverError else { return answer }
            return await blob(digest, exchange) ?? answer
        } catch let error as APIError {
            guard let response = await blob(digest, exchange) else { throw error }
            return response
        }
    }

    private func blob(_ digest: Digest, _ exchange: ForwardExchange) async -> Response? {
        let authorization = exchange.request.headers[.authorization]
        let credentials = Credentials(headers: authorization.map { ["Authorization": $0] } ?? [:])
        do throws(DownloadError) {
            var response = try await blobs.respond(
                to: exchange.request,
                context: exchange.context,
                url: exchange.target,
                digest: digest
            ) { () async throws(DownloadError) in credentials }
            response?.headers.set("Via", exchange.via.value())
            return response
        } catch {
            return nil
        }
    }

    // MARK: Straight

    private func straight(
        _ exchange: ForwardExchange,
        _ reason: String,
        _ status: CacheStatus? = nil,
        within silence: Silence? = nil
    ) async throws -> Response {
        let (request, context) = (exchange.request, exchange.context)
        context.notes["direct"] = reason
        var response: Response
        do {
            response = try await silence.answering {
                try await relay.pass(request, to: exchange.target.text, options: exchange.options, context: context)
            }
        } catch let error as APIError {
            context.logger.warning(
                "not passed on",
                metadata: ["url": "\(exchange.target.withoutQuery)", "reason": "\(error.message)"]
            )
            throw error
        }
        finish(&response, exchange, reason, status)
        return response
    }

    /// The origin's answer to a request that has gone to it another way, with what others have that are passed on.
    func passedOn(
        _ answer: Response,
        to request: Request,
        url: ResourceURL,
        context: ServiceRequestContext
    ) -> Response {
        passedOn(answer, ForwardExchange(request, context, client: url, rule: nil, via: via), .upgrade)
    }

    private func passedOn(_ answer: Response, _ exchange: ForwardExchange, _ reason: CachePolicy.Reason) -> Response {
        exchange.context.notes["direct"] = reason.rawValue
        var response = answer
        if let name = HTTPField.Name("Via") {
            response.headers.append(HTTPField(name: name, value: via.value()))
        }
        finish(&response, exchange, reason.rawValue, nil)
        return response
    }

    /// What is kept and known follows from an answer that was passed on.
    private func finish(
        _ response: inout Response,
        _ exchange: ForwardExchange,
        _ reason: String,
        _ status: CacheStatus?
    ) {
        if CachePolicy.invalidates(exchange.request.method, status: response.status.code) { forget(exchange, response) }
        var status = status ?? CacheStatus()
        if status.forward == nil { status.forward = reason == CachePolicy.Reason.method.rawValue ? .method : .bypass }
        status.forwardStatus = response.status.code
        status.detail = reason
        exchange.add(status, to: &response)
    }

    /// RFC 9111 §4.4: what is under the URL, and under those of the same place that the answer names.
    private func forget(_ exchange: ForwardExchange, _ response: Response) {
        memory.changed(exchange.target)
        for name in ["Location", "Content-Location"] {
            guard let field = HTTPField.Name(name), let value = response.headers[field] else { continue }
            let text = value.hasPrefix("/") ? exchange.target.origin + value : value
            guard let url = ResourceURL(text), url.origin == exchange.target.origin else { continue }
            memory.changed(url)
        }
    }

    /// RFC 9111 §5.2.1.7.
    private static let nothingHere = APIError(
        .gatewayTimeout,
        "not_cached",
        "the client wants it from here only (only-if-cached), and it is not here",
        detail: ["advice": "ask without Cache-Control: only-if-cached"]
    )
}
