import BackendAPI
import Content
import OriginFetch
import TestSupport
import Testing
import WireAPI

@testable import PeerEngine

/// What tags stand for, asked for by nodes.
@Suite(.serialized, .timeLimit(.minutes(1))) struct LookupTests {
    private static let path = "/v2/library/a/manifests/v1"

    private func put(_ text: String, _ swarm: Swarm) throws -> Resource {
        let resource = Resource(url: try #require(ResourceURL("http://origin\(Self.path)")))
        for origin in swarm.supernodes.map(\.origin) + [swarm.origin] {
            var object = MemoryBackend.Object(Array(text.utf8))
            object.digest = Digest.of(text)
            object.headers = ["Content-Type": "application/vnd.oci.image.index.v1+json"]
            object.freshness.maxAge = .seconds(7)
            object.freshness.mustRevalidate = true
            origin.memory.set(object, at: resource.url)
        }
        return resource
    }

    @Test("A supernode asks for all nodes, and they hear all that the origin said")
    func throughSupernode() async throws {
        try await withSwarm(nodes: 3) { swarm in
            let resource = try put("one", swarm)
            let direct = try await swarm.origin.memory.head(OriginRequest(resource: resource))
            let asked = swarm.origin.memory.requests.count
            try await withThrowingTaskGroup(of: ContentHead.self) { group in
                for (number, node) in swarm.nodes.enumerated() {
                    group.addTask {
                        try await node.engine.lookUp(resource, credentials: .bearer("\(number)"))
                    }
                }
                for try await head in group { #expect(head == direct) }
            }
            #expect((1...2).contains(swarm.supernodes[0].origin.memory.requests.count))
            #expect(swarm.origin.memory.requests.count == asked)
        }
    }

    @Test("With no supernode that answers the node asks itself, and past dead ones it is quick")
    func withoutSupernode() async throws {
        try await withSwarm(supernodes: 2) { swarm in
            let resource = try put("one", swarm)
            let order = swarm.supernodes(for: resource)
            let engine = swarm.nodes[0].engine
            await order[0].server.kill()
            #expect(try await engine.lookUp(resource, credentials: Credentials()).digest == Digest.of("one"))
            #expect(order[1].origin.memory.requests.count == 1)
            await order[1].server.kill()
            let start = ContinuousClock.now
            #expect(try await engine.lookUp(resource, credentials: Credentials()).digest == Digest.of("one"))
            #expect(start.duration(to: .now) < .seconds(10))
            #expect(swarm.origin.memory.requests.count == 1)
            // They are not asked again for a while.
            #expect(try await engine.lookUp(resource, credentials: .bearer("a")).digest == Digest.of("one"))
            #expect(swarm.origin.memory.requests.count == 2)
        }
    }

    @Test("The origin's no is final: nobody asks it once more", arguments: [401, 404])
    func refused(status: Int) async throws {
        try await withSwarm { swarm in
            let resource = try put("one", swarm)
            if status == 401 {
                swarm.supernodes[0].origin.user("Anna").set(.init([1]), at: resource.url)
            } else {
                swarm.supernodes[0].origin.memory.set(nil, at: resource.url)
            }
            let error = await #expect(throws: DownloadError.self) {
                try await swarm.nodes[0].engine.lookUp(resource, credentials: Credentials())
            }
            #expect(error?.code == (status == 401 ? .originUnauthorized : .originNotFound))
            #expect(error?.detail["status"] == "\(status)")
            #expect(error?.detail["challenge"] == (status == 401 ? "Basic realm=\"memory\"" : nil))
            #expect(swarm.origin.memory.requests.isEmpty)
        }
    }

    @Test("What a supernode may not ask, the node asks itself")
    func supernodesOwnRefusal() async throws {
        try await withSwarm { swarm in
            let resource = try put("one", swarm)
            swarm.supernodes[0].origin.memory.fail(.failure(BackendError(.tls, "an unknown authority")))
            let head = try await swarm.nodes[0].engine.lookUp(resource, credentials: Credentials())
            #expect(head.digest == Digest.of("one"))
            #expect(swarm.origin.memory.requests.count == 1)
        }
    }

    @Test("Without any supernode a node asks for its own clients in the same way")
    func noSupernode() async throws {
        try await withSwarm(supernodes: 0) { swarm in
            let resource = try put("one", swarm)
            try await withThrowingTaskGroup(of: Digest?.self) { group in
                for number in 0..<100 {
                    let engine = swarm.nodes[0].engine
                    group.addTask { try await engine.lookUp(resource, credentials: .bearer("\(number)")).digest }
                }
                for try await digest in group { #expect(digest == Digest.of("one")) }
            }
            #expect((1...8).contains(swarm.origin.memory.requests.count))
        }
    }

    @Test("Credentials travel to supernodes only where nobody can read them on the way", arguments: [false, true])
    func plainCredentials(allowed: Bool) throws {
        var configuration = PeerEngineConfiguration()
        configuration.allowPlainCredentials = allowed
        let plain = try #require(SupernodeAddress("http://sn.example:8002"))
        #expect(configuration.mayCarryCredentials(to: plain) == allowed)
        for text in ["https://sn.example:8002", "http://127.0.0.1:8002"] {
            #expect(configuration.mayCarryCredentials(to: try #require(SupernodeAddress(text))))
        }
    }
}
