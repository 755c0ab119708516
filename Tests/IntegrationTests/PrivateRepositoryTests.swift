import Content
import Foundation
import TestSupport
import Testing
import WireAPI

/// Repositories of one registry that different users may read.
@Suite(.serialized) struct PrivateRepositoryTests {
    private static let bytes = randomBytes(600_000, seed: 121)
    private static let digest = Digest.of(bytes)
    private static let manifest = Array(#"{"schemaVersion":2}"#.utf8)
    private static let inY = "/v2/y/blobs/\(digest)"
    private static let inX = "/v2/x/blobs/\(digest)"
    private static let tagInX = "/v2/x/manifests/v1"
    private let client = Client()

    /// The blob is in `y`, which is Anna's; `x` is for Mallory and her; `open` is everybody's.
    private static func answer(_ request: ScriptedRequest) -> Script {
        if request.path == "/token" { return .respond(401) }
        let user = request.headers["Authorization"].map { $0.dropFirst("Bearer ".count) }
        let repository = request.path.split(separator: "/").dropFirst().first
        let may = repository == "open" || user == "anna" || user == "mallory" && repository == "x"
        guard may else { return .challenge("Bearer realm=\"http://\(request.headers["Host"] ?? "")/token\"") }
        switch request.path {
        case inY: return .content(bytes, for: request, ["Docker-Content-Digest": "\(digest)"])
        case tagInX, "/v2/open/manifests/v1":
            let headers: HeaderFields = [
                "Docker-Content-Digest": "\(Digest.of(manifest))",
                "Content-Type": "application/vnd.oci.image.manifest.v1+json",
            ]
            return .respond(200, headers, body: manifest)
        default: return .respond(404, body: Array("no such thing".utf8))
        }
    }

    @Test func aRightToOneRepositoryOpensNoBlobOfAnother() async throws {
        try await withTemporaryDirectory { directory in
            try await withScriptedServer {
                Self.answer($0)
            } body: { registry in
                try await withCluster(of: 2, registry: registry.url(""), in: directory) { supernode, daemons in
                    func get(_ path: String, _ user: String?, at daemon: Daemon) async throws -> Client.Answer {
                        let headers: HeaderFields = user.map { ["Authorization": "Bearer \($0)"] } ?? [:]
                        return try await client.send("GET", "http://\(daemon.proxy)\(path)", headers)
                    }
                    let mine = try await get(Self.inY, "anna", at: daemons[0])
                    #expect(mine.body.elementsEqual(Self.bytes))
                    for daemon in daemons {
                        // Whatever the cluster has learned of Mallory's rights.
                        #expect(try await get(Self.tagInX, "mallory", at: daemon).status == 200)
                        for (path, user, status) in [
                            (Self.inX, "mallory", 404), (Self.inY, "mallory", 401), (Self.inY, nil, 401),
                            (Self.inX, nil, 401),
                        ] {
                            let answer = try await get(path, user, at: daemon)
                            #expect(answer.status == status, "\(path) \(user ?? "")")
                            #expect(!answer.body.elementsEqual(Self.bytes))
                        }
                    }
                    let peer = try await FakePeer.register(at: supernode, port: 1)
                    let mallory: HeaderFields = ["Authorization": "Bearer mallory"]
                    #expect(try await peer.lookUp(registry.url(Self.tagInX), credentials: mallory).status == 200)
                    #expect(try await peer.join(url: registry.url(Self.inX), digest: Self.digest).status >= 400)
                    let again = try await get(Self.inY, "anna", at: daemons[1])
                    #expect(again.body.elementsEqual(Self.bytes))
                    #expect(try await daemons[1].received(from: "origin") == 0)
                }
            }
        }
    }

    @Test func aThousandTokensLookingUpOneTagAreAHandfulOfRequests() async throws {
        try await withTemporaryDirectory { directory in
            try await withScriptedServer {
                Self.answer($0)
            } body: { registry in
                let configuration = Configurations.supernode(home: "\(directory)/home")
                try await withSupernode(configuration, in: directory) { supernode in
                    let peer = try await FakePeer.register(at: supernode, port: 1)
                    let url = registry.url("/v2/open/manifests/v1")
                    let time = try await ContinuousClock().measure {
                        try await withThrowingTaskGroup(of: Client.Answer.self) { group in
                            for number in 0..<1000 {
                                group.addTask {
                                    try await peer.lookUp(url, credentials: ["Authorization": "Bearer \(number)"])
                                }
                            }
                            for try await answer in group {
                                #expect(answer.status == 200)
                                let head = try JSONDecoder().decode(HeadResponse.self, from: Data(answer.body))
                                #expect(head.digest == Digest.of(Self.manifest))
                            }
                        }
                    }
                    // One at once, and then four a second.
                    let most = 2 + Int(time / .milliseconds(250))
                    #expect((1...most).contains(registry.requests.count))
                    #expect(registry.requests.allSatisfy { $0.headers["Authorization"] == nil })
                    let logs = await supernode.process.stopForErrors()
                    #expect(!logs.contains("Bearer "))
                }
            }
        }
    }
}
