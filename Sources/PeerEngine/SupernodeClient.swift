import Content
import CurlTransport
import FoundationEssentials
import WireAPI

/// The calls of a supernode's API.
struct SupernodeClient: Sendable {
    let address: SupernodeAddress
    let transport: CurlTransport
    let options: TransferOptions

    /// The most that an answer may hold, in bytes.
    private static let answerLimit = 16 << 20

    func register(
        _ request: PeerRegistrationRequest,
        token: String?,
        timeout: Duration
    ) async throws(SupernodeError) -> PeerRegistrationResponse {
        try await call("POST", APIPath.peers, request, key: token, timeout: timeout)
    }

    /// Whether it answers at all.
    func answers(within timeout: Duration) async -> Bool {
        do throws(SupernodeError) {
            _ = try await send("GET", "/healthz", nil, key: nil, timeout: timeout)
            return true
        } catch {
            if case .unreachable = error { return false }
            return true
        }
    }

    func join(
        _ request: TaskRegistrationRequest,
        as registration: PeerRegistrationResponse
    ) async throws(SupernodeError) -> TaskRegistrationResponse {
        // The answer takes as long as the origin does.
        try await call(
            "POST",
            APIPath.tasks(of: registration.peer),
            request,
            key: registration.key,
            timeout: .seconds(300)
        )
    }

    func lookUp(
        _ request: HeadRequest,
        as registration: PeerRegistrationResponse
    ) async throws(SupernodeError) -> HeadResponse {
        // The answer takes as long as the origin does.
        try await call(
            "POST",
            APIPath.heads(of: registration.peer),
            request,
            key: registration.key,
            timeout: .seconds(120)
        )
    }

    func exchange(
        _ request: ExchangeRequest,
        as registration: PeerRegistrationResponse,
        grace: Duration
    ) async throws(SupernodeError) -> ExchangeResponse {
        let timeout = Duration.milliseconds(request.waitMilliseconds) + grace
        return try await call(
            "POST",
            APIPath.exchange(registration.peer),
            request,
            key: registration.key,
            timeout: timeout
        )
    }

    func leave(_ registration: PeerRegistrationResponse) async throws(SupernodeError) {
        _ = try await send("DELETE", APIPath.peer(registration.peer), nil, key: registration.key, timeout: .seconds(2))
    }

    private func call<Answer: Decodable & Sendable>(
        _ method: String,
        _ path: String,
        _ body: some Encodable,
        key: String?,
        timeout: Duration
    ) async throws(SupernodeError) -> Answer {
        do {
            let encoded = try JSONEncoder().encode(body)
            let answer = try await send(method, path, [UInt8](encoded), key: key, timeout: timeout)
            return try JSONDecoder().decode(Answer.self, from: Data(answer))
        } catch let error as SupernodeError {
            throw error
        } catch {
            throw .refused(WireError(.internalError, "\(address) gave an answer that is none of this protocol"))
        }
    }

    private func send(
        _ method: String,
        _ path: String,
        _ body: [UInt8]?,
        key: String?,
        timeout: Duration
    ) async throws(SupernodeError) -> [UInt8] {
        var request = TransferRequest(url: address.url + path, method: method)
        request.options = options
        request.options.totalTimeout = timeout
        if let body {
            request.body = .bytes(body)
            request.headers["Content-Type"] = "application/json"
        }
        if let key { request.credentials["Authorization"] = "Bearer \(key)" }
        let response: BufferedResponse
        do throws(TransferError) {
            response = try await transport.send(request, limit: Self.answerLimit)
        } catch {
            if error.code == .cancelled { throw .cancelled }
            let isRefusal = error.code == .cannotConnect || error.code == .closedEarly
            throw .unreachable(address.explanation(of: error), isRefusal: isRefusal)
        }
        if (200..<300).contains(response.head.status) { return response.body }
        if let error = try? JSONDecoder().decode(WireErrorBody.self, from: Data(response.body)) {
            // As good as gone.
            if error.error.code == .shuttingDown || error.error.code == .busy {
                throw .unreachable("\(address): \(error.error.message)")
            }
            throw .refused(error.error)
        }
        if response.head.status >= 500 { throw .unreachable("\(address) answered \(response.head.status)") }
        throw .refused(WireError(.internalError, "\(address) answered \(response.head.status)"))
    }
}

/// Why a call to a supernode came to nothing.
enum SupernodeError: Error, Sendable {
    /// No answer: another supernode may do.
    ///
    /// `isRefusal`: the connection was refused or broken, by whoever is there or is not.
    case unreachable(String, isRefusal: Bool = false)
    /// The supernode's word.
    case refused(WireError)
    case cancelled
}
