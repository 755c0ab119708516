import BackendAPI
import Content
import TestSupport
import Testing
import WireAPI

@testable import SupernodeService

/// A registered peer, as a client is one.
struct DescribedPeer: Sendable {
    let id: PeerID
    let key: String
}

/// Calls of a supernode's API.
extension DescribedServers {
    static let url = "http://origin.test/file"
    /// Three pieces.
    static let length = 600_000

    /// Some peer that nobody knows.
    private var nobody: PeerID { PeerID() }

    private func registration(versions: [Int] = [1], port: Int = 1) -> PeerRegistrationRequest {
        PeerRegistrationRequest(versions: versions, port: port, name: "client", labels: ["zone": "a"], uploadSlots: 4)
    }

    func register() async throws -> DescribedPeer {
        let answer = try await call(
            try DescribedCall("POST", APIPath.peers, key: Self.token, json: registration(), status: 201),
            at: api,
            as: PeerRegistrationResponse.self
        )
        return DescribedPeer(id: answer.peer, key: answer.key)
    }

    func checkPeers() async throws {
        let peer = try await register()
        let path = APIPath.peers
        for call in [
            try DescribedCall("POST", path, json: registration(), status: 401, code: "unauthenticated"),
            DescribedCall("POST", path, key: Self.token, body: Array("[]".utf8), status: 400, code: "bad_request"),
            try DescribedCall(
                "POST",
                path,
                key: Self.token,
                json: registration(port: 70_000),
                status: 400,
                code: "invalid_request"
            ),
            try DescribedCall(
                "POST",
                path,
                key: Self.token,
                json: registration(versions: [99]),
                status: 426,
                code: "unsupported_version"
            ),
            DescribedCall("POST", path, key: Self.token, body: Self.large, status: 413, code: "too_large"),
            DescribedCall("GET", path),
            DescribedCall("DELETE", "\(path)/nobody", key: peer.key, status: 400, code: "invalid_request"),
            DescribedCall("DELETE", APIPath.peer(peer.id), key: "wrong", status: 401, code: "unauthenticated"),
            DescribedCall("DELETE", APIPath.peer(peer.id), key: peer.key, status: 204),
            DescribedCall("DELETE", APIPath.peer(peer.id), key: peer.key, status: 404, code: "unknown_peer"),
        ] { try await self.call(call, at: api) }
    }

    /// A body that is larger than allowed everywhere but at exchanges.
    static let large = [UInt8](repeating: 0x20, count: (1 << 20) + 1)

    func checkTasks() async throws {
        let peer = try await register()
        try putObjects()
        let path = APIPath.tasks(of: peer.id)
        func join(_ text: String, credentials: HeaderFields = [:]) throws -> TaskRegistrationRequest {
            TaskRegistrationRequest(url: try resource(text), credentials: credentials)
        }
        try await call(try DescribedCall("POST", path, key: peer.key, json: join(Self.url)), at: api)
        var offer = try join("http://origin.test/offered")
        offer.offersOnly = true
        for call in [
            try DescribedCall("POST", path, key: peer.key, json: offer, status: 404, code: "unknown_task"),
            try DescribedCall("POST", path, key: "wrong", json: join(Self.url), status: 401, code: "unauthenticated"),
            try DescribedCall(
                "POST",
                APIPath.tasks(of: nobody),
                key: peer.key,
                json: join(Self.url),
                status: 404,
                code: "unknown_peer"
            ),
            DescribedCall("POST", path, key: peer.key, body: Self.large, status: 413, code: "too_large"),
            DescribedCall("POST", path, key: peer.key, body: Array("{}".utf8), status: 400, code: "bad_request"),
            DescribedCall("GET", APIPath.tasks),
            DescribedCall("GET", APIPath.task(TaskID(url: Self.url))),
            DescribedCall("GET", APIPath.task(TaskID(url: "other")), status: 404, code: "unknown_task"),
        ] { try await self.call(call, at: api) }
        for (url, status, code) in Self.refusals {
            try await call(
                try DescribedCall("POST", path, key: peer.key, json: join(url), status: status, code: code),
                at: api
            )
        }
        // A task that has failed is listed with its error.
        try await call(DescribedCall("GET", APIPath.tasks), at: api)
        try await checkHeads(peer)
        try await checkExchanges(peer)
    }

    /// What the origin has, and what it refuses.
    func putObjects() throws {
        try put(randomBytes(Self.length, seed: 1), at: Self.url)
        try put([1, 2, 3], at: "http://origin.test/private", credentials: ["Authorization": "Bearer x"])
        for (path, error) in [
            ("forbidden", BackendError(.forbidden, "no", status: 403)),
            ("refused", BackendError(.refused, "no")),
            ("unreachable", BackendError(.unreachable, "nobody there")),
            ("untrusted", BackendError(.tls, "self-signed")),
            ("broken", BackendError(.unavailable, "broken", status: 500)),
            ("throttled", BackendError(.throttled, "later", status: 429, retryAfter: .seconds(7))),
        ] { origin.refuse(try resource("http://origin.test/\(path)"), error) }
    }

    /// URLs that come to nothing, and how.
    static let refusals = [
        ("http://origin.test/missing", 404, "origin_not_found"),
        ("http://origin.test/private", 401, "origin_unauthorized"),
        ("http://origin.test/forbidden", 403, "origin_forbidden"),
        ("http://origin.test/refused", 403, "source_refused"),
        ("http://origin.test/unreachable", 502, "origin_unreachable"),
        ("http://origin.test/untrusted", 502, "origin_untrusted"),
        ("http://origin.test/broken", 502, "origin_unavailable"),
        ("http://origin.test/throttled", 503, "origin_throttled"),
        ("ftp://origin.test/file", 400, "invalid_request"),
    ]

    private func checkHeads(_ peer: DescribedPeer) async throws {
        let path = APIPath.heads(of: peer.id)
        func head(_ text: String) throws -> HeadRequest { HeadRequest(url: try resource(text)) }
        for call in [
            try DescribedCall("POST", path, key: peer.key, json: head(Self.url)),
            try DescribedCall(
                "POST",
                APIPath.heads(of: nobody),
                key: peer.key,
                json: head(Self.url),
                status: 404,
                code: "unknown_peer"
            ),
            DescribedCall("POST", path, key: peer.key, body: Self.large, status: 413, code: "too_large"),
            DescribedCall("POST", path, key: peer.key, body: Array("{}".utf8), status: 400, code: "bad_request"),
        ] { try await self.call(call, at: api) }
        for (url, status, code) in Self.refusals {
            try await call(
                try DescribedCall("POST", path, key: peer.key, json: head(url), status: status, code: code),
                at: api
            )
        }
    }

    private func checkExchanges(_ peer: DescribedPeer) async throws {
        let path = APIPath.exchange(peer.id)
        let idle = ExchangeRequest(sequence: 1, open: [], waitMilliseconds: 0, tasks: [])
        let tooLarge = [UInt8](repeating: 0x20, count: (4 << 20) + 1)
        for call in [
            try DescribedCall("POST", path, key: peer.key, json: idle),
            try DescribedCall("POST", path, json: idle, status: 401, code: "unauthenticated"),
            try DescribedCall(
                "POST",
                APIPath.exchange(nobody),
                key: peer.key,
                json: idle,
                status: 404,
                code: "unknown_peer"
            ),
            DescribedCall("POST", path, key: peer.key, body: tooLarge, status: 413, code: "too_large"),
            DescribedCall("POST", path, key: peer.key, body: Array("{".utf8), status: 400, code: "bad_request"),
        ] { try await self.call(call, at: api) }
    }

    func checkBlocks() async throws {
        let peer = try await register()
        let path = APIPath.block(of: "\(peer.id)")
        let missing = APIPath.block(of: "\(nobody)")
        let block = BlockRequest(reason: "wrong bytes")
        for call in [
            try DescribedCall("PUT", path, key: Self.token, json: block),
            DescribedCall("PUT", "\(APIPath.peers)/192.0.2.1:65002/block", key: Self.token),
            DescribedCall("GET", APIPath.blocks),
            DescribedCall("GET", APIPath.peers),
            DescribedCall("PUT", path, status: 401, code: "unauthenticated"),
            DescribedCall("PUT", missing, key: Self.token, status: 404, code: "unknown_peer"),
            DescribedCall(
                "PUT",
                "\(APIPath.peers)/nobody/block",
                key: Self.token,
                status: 400,
                code: "invalid_request"
            ),
            DescribedCall("PUT", path, key: Self.token, body: Self.large, status: 413, code: "too_large"),
            DescribedCall("DELETE", path, key: Self.token, status: 204),
            DescribedCall("DELETE", path, status: 401, code: "unauthenticated"),
            DescribedCall("DELETE", missing, key: Self.token, status: 404, code: "unknown_peer"),
            DescribedCall(
                "DELETE",
                "\(APIPath.peers)/nobody/block",
                key: Self.token,
                status: 400,
                code: "invalid_request"
            ),
        ] { try await self.call(call, at: api) }
    }

    func checkObjects() async throws {
        let bytes = Array("content".utf8)
        let path = APIPath.objects
        let answer = try await call(
            DescribedCall("POST", path, key: Self.token, body: bytes),
            at: api,
            as: PutResponse.self
        )
        #expect(answer.digest == Digest.of("content"))
        try await call(DescribedCall("POST", path, body: bytes, status: 401, code: "unauthenticated"), at: api)
    }

    func checkOperations() async throws {
        for listener in [api, health] {
            isReady.set(true)
            for path in ["/healthz", "/readyz", "/metrics", "/version"] {
                try await call(DescribedCall("GET", path), at: listener)
            }
            isReady.set(false)
            try await call(DescribedCall("GET", "/readyz", status: 503), at: listener)
        }
    }
}
