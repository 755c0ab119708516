import Content
import Foundation
import TestSupport
import WireAPI

/// A peer that a test plays itself, by the supernode's API.
struct FakePeer: Sendable {
    let supernode: Supernode
    let registration: PeerRegistrationResponse
    private let client = Client()

    /// Registers at the supernode, calling from an `address` of this machine; pieces are to be had at `port`.
    static func register(
        at supernode: Supernode,
        port: Int,
        from address: String = "127.0.0.1"
    ) async throws -> FakePeer {
        let request = try JSONEncoder().encode(PeerRegistrationRequest(port: port, name: "fake", uploadSlots: 64))
        let answer = try await runSuccessfully(
            .init(
                "curl",
                ["-sS", "--fail-with-body", "--noproxy", "*", "--interface", address]
                    + ["-H", "Content-Type: application/json", "-d", String(decoding: request, as: UTF8.self)]
                    + ["http://\(supernode.api)\(APIPath.peers)"]
            )
        )
        return FakePeer(
            supernode: supernode,
            registration: try JSONDecoder().decode(PeerRegistrationResponse.self, from: Data(answer.utf8))
        )
    }

    private init(supernode: Supernode, registration: PeerRegistrationResponse) {
        self.supernode = supernode
        self.registration = registration
    }

    /// Joins a task; the answer as it comes.
    func join(url: String?, digest: Digest?) async throws -> Client.Answer {
        let request = TaskRegistrationRequest(url: url.flatMap { ResourceURL($0) }, digest: digest)
        return try await post(APIPath.tasks(of: registration.peer), try JSONEncoder().encode(request))
    }

    /// Joins a task that is to be had.
    func joined(url: String?, digest: Digest?) async throws -> TaskRegistrationResponse {
        let answer = try await join(url: url, digest: digest)
        guard answer.status == 200 else { throw RigError("joining: \(answer.status) \(answer.text)") }
        return try JSONDecoder().decode(TaskRegistrationResponse.self, from: Data(answer.body))
    }

    /// Looks up what a URL stands for; the answer as it comes.
    func lookUp(_ url: String, credentials: HeaderFields = [:]) async throws -> Client.Answer {
        guard let url = ResourceURL(url) else { throw RigError("no URL: \(url)") }
        let request = HeadRequest(url: url, credentials: credentials)
        return try await post(APIPath.heads(of: registration.peer), try JSONEncoder().encode(request))
    }

    /// Makes one call; `wait`: how long its answer may take.
    func exchange(_ report: TaskReport, sequence: UInt64, wait: Duration) async throws -> ExchangeResponse {
        let request = ExchangeRequest(
            sequence: sequence,
            open: [],
            waitMilliseconds: Int(wait / .milliseconds(1)),
            tasks: [report]
        )
        let answer = try await post(APIPath.exchange(registration.peer), try JSONEncoder().encode(request))
        guard answer.status == 200 else { throw RigError("exchange: \(answer.status) \(answer.text)") }
        return try JSONDecoder().decode(ExchangeResponse.self, from: Data(answer.body))
    }

    private func post(_ path: String, _ body: Data) async throws -> Client.Answer {
        let headers: HeaderFields = [
            "Content-Type": "application/json", "Authorization": "Bearer \(registration.key)",
        ]
        return try await client.send("POST", "http://\(supernode.api)\(path)", headers, body: [UInt8](body))
    }
}
