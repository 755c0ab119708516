import Content
import CurlTransport
import HTTPService
import HTTPTypes
import Hummingbird
import NIOCore
import NIOSSL
import NodeConfig

/// Answers what turns a connection into something else: CONNECT and upgrades.
struct TunnelResponder: Sendable {
    let transport: CurlTransport
    /// The node's settings for origins: addresses and proxies count.
    let options: TransferOptions
    /// Where CONNECT may lead.
    let ports: [Int]
    let idleTimeout: Duration
    let interceptor: Interceptor

    /// The largest body of a request that asks for an upgrade, and of an answer that declines it.
    private static let largestBody = 1 << 20
    /// The same of an answer that is not needed: its client waits for all of it.
    private static let smallBody = 64 << 10
    /// How long an origin may take to answer it.
    private static let patience = Duration.seconds(60)
    /// Other versions of HTTP, and TLS for the same: offers that a proxy makes nothing of.
    private static let declined = ["h2c", "http/", "tls/"]

    // MARK: CONNECT

    /// Connects the client to where it wants, or intercepts what it says to there.
    func connect(_ request: Request, _ context: ServiceRequestContext) async throws -> Response {
        guard let target = request.head.authority.flatMap({ ProxyTarget($0) }) else {
            throw APIError.badRequest("CONNECT wants host:port")
        }
        if let tls = try interceptor.context(for: target) {
            context.notes.set(.tunnel)
            context.notes["tunnel"] = "intercepted"
            return .interception(of: target.authority, tls)
        }
        guard ports.contains(target.port) else {
            throw APIError(
                .forbidden,
                "port_not_allowed",
                "no tunnels to port \(target.port): see proxy_access.connect_ports"
            )
        }
        let socket = try await dial(target)
        let upstream = try await UpstreamConnection.over(socket.take(), on: context.channel.eventLoop)
        context.notes["upstream"] = target.description
        context.notes.set(.tunnel)
        context.notes["tunnel"] = "connect"
        return .established(to: upstream, idleTimeout: idleTimeout) { context.notes["sent"] = "\($0.sent)" }
    }

    // MARK: Upgrades

    /// Whether a request offers another protocol, so that it needs a connection of its own to the upstream.
    static func isUpgrade(_ request: Request) -> Bool {
        guard request.asksForUpgrade else { return false }
        return request.headers[values: .upgrade].flatMap { $0.split(separator: ",") }.contains { offer in
            let name = offer.filter { $0 != " " && $0 != "\t" }.lowercased()
            return !name.isEmpty && !declined.contains { name.hasPrefix($0) }
        }
    }

    /// What comes of a request that offers another protocol.
    enum Upgrade {
        case accepted(Response)
        /// The origin makes nothing of the offer; the request is to be answered as if there were none.
        ///
        /// The answer is what it says to the request besides, where that has come with all of its body.
        case declined(Request, Response?)
        /// It makes nothing of it, and that is its answer to a request that is not sent twice.
        case answered(Response)
    }

    /// Asks the origin over a connection of its own, and leaves the rest to the two of them if it says yes.
    ///
    /// The client's connection is its own until then: what it sends next may be for somebody else.
    func upgrade(_ request: Request, to url: ResourceURL, _ context: ServiceRequestContext) async throws -> Upgrade {
        guard let target = ProxyTarget(url) else { throw APIError.badRequest("no such place") }
        let body = try await request.collect(limit: Self.largestBody)
        let upstream = try await connect(to: target, isEncrypted: url.scheme == "https", context)
        context.notes["upstream"] = url.origin
        let canRepeat = request.method == .get || request.method == .head
        let isHead = request.method == .head
        let mostBody = isHead ? 0 : canRepeat ? Self.smallBody : Self.largestBody
        let answer: UpstreamAnswer
        do {
            answer = try await upstream.answer(
                to: UpgradeRequest.bytes(request, host: url.authority, body: body),
                mostBody: mostBody,
                needsBody: !canRepeat,
                within: min(idleTimeout, Self.patience)
            )
        } catch {
            let isLate = (error as? UpstreamFault) == .late
            throw APIError(
                isLate ? .gatewayTimeout : .badGateway,
                isLate ? "upstream_timeout" : "upstream_unavailable",
                "no answer of \(target) to an upgrade: \(error)"
            )
        }
        guard !answer.isAccepted else {
            context.notes.set(.tunnel)
            context.notes["tunnel"] = "upgrade"
            return .accepted(
                .tunnel(to: upstream, status: .switchingProtocols, idleTimeout: idleTimeout) {
                    context.notes["sent"] = "\($0.sent)"
                }
            )
        }
        guard !canRepeat else {
            let ordinary = Request(head: request.head, body: RequestBody(buffer: body))
            return .declined(ordinary, Self.response(answer, isHead: isHead))
        }
        guard let response = Self.response(answer, isHead: false) else {
            throw APIError(
                .badGateway,
                "upgrade_declined",
                "\(target) answers \(answer.status) to an upgrade, with a body whose length is not told or too large"
            )
        }
        return .answered(response)
    }

    /// Nil where not all of the body is there.
    private static func response(_ answer: UpstreamAnswer, isHead: Bool) -> Response? {
        let status = HTTPResponse.Status(code: answer.status)
        let headers = Relay.passedOn(answer.fields)
        if Relay.isBodiless(status, isHead: isHead) {
            return Relay.bodiless(status, headers, length: answer.length)
        }
        return answer.body.map { Response(status: status, headers: headers, body: ResponseBody(byteBuffer: $0)) }
    }

    private func connect(
        to target: ProxyTarget,
        isEncrypted: Bool,
        _ context: ServiceRequestContext
    ) async throws -> UpstreamConnection {
        let socket = try await dial(target)
        let encryption = try isEncrypted ? tls(for: target) : nil
        do {
            return try await .over(socket.take(), tls: encryption, on: context.channel.eventLoop)
        } catch {
            throw APIError(.badGateway, "upstream_unavailable", "no TLS with \(target): \(error)")
        }
    }

    private func tls(for target: ProxyTarget) throws -> UpstreamConnection.TLS {
        let settings = interceptor.options(options, forHost: target.host, port: target.port).tls
        do {
            return UpstreamConnection.TLS(
                context: try NIOSSLContext(configuration: TLSConfiguration(settings)),
                // RFC 6066 §3: an address is no server name.
                serverName: IPAddress(target.host) == nil ? target.host : nil
            )
        } catch {
            let reason = settings.caFiles.lazy.compactMap { CertificateFile.fault($0) }.first ?? "\(error)"
            throw APIError(.badGateway, "upstream_unavailable", "no TLS with \(target) can be set up: \(reason)")
        }
    }

    // MARK: Connecting

    private func dial(_ target: ProxyTarget) async throws(APIError) -> ConnectedSocket {
        do throws(TransferError) {
            return try await transport.connect(host: target.host, port: target.port, options: options)
        } catch {
            switch error.code {
            case .addressRefused:
                throw APIError(
                    .forbidden,
                    "address_not_allowed",
                    "\(error.message): see origin.allow_addresses"
                )
            case .timedOut:
                throw APIError(.gatewayTimeout, "upstream_timeout", "no connection in time: \(error.message)")
            default:
                throw APIError(.badGateway, "upstream_unavailable", "no connection: \(error.message)")
            }
        }
    }
}

extension TLSConfiguration {
    /// The same trust and identity as a transfer's.
    init(_ options: TLSOptions) throws {
        self = .makeClientConfiguration()
        minimumTLSVersion = .tlsv12
        applicationProtocols = ["http/1.1"]
        certificateVerification = options.verify ? .fullVerification : .none
        if let pem = options.caPEM {
            additionalTrustRoots = [.certificates(try NIOSSLCertificate.fromPEMBytes(Array(pem.utf8)))]
        } else {
            additionalTrustRoots = options.caFiles.map { .file($0) }
        }
        if let file = options.clientCertificate {
            certificateChain = try NIOSSLCertificate.fromPEMFile(file).map { .certificate($0) }
            privateKey = .privateKey(try NIOSSLPrivateKey(file: options.clientKey ?? file, format: .pem))
        }
    }
}
