import BackendAPI
import Content
import Hummingbird
import NIOCore
import TestSupport
import Testing
import WireAPI

@testable import SupernodeService

@Suite(.timeLimit(.minutes(1))) struct PermissionTests {
    private static let right: HeaderFields = ["Authorization": "Bearer right"]
    private static let wrong: HeaderFields = ["Authorization": "Bearer wrong"]

    @Test("Private content is for those only whom the origin lets have it, and its word is remembered")
    func privateContent() async throws {
        try await withSupernode { rig in
            let bytes = randomBytes(100_000, seed: 1)
            let url = try rig.put(bytes, at: "http://origin/file", credentials: Self.right)
            let digest = Digest.of(bytes)
            let (owner, other) = (try rig.peer("owner"), try rig.peer("other"))
            let joined = try await rig.join(owner, url, digest: digest, credentials: Self.right)
            let task = try #require(rig.supernode.tasks.task(joined.task))
            await eventually { task.isComplete }
            await rig.settled(task.id)
            func refusal(_ url: ResourceURL?, _ credentials: HeaderFields) async -> WireError.Code? {
                await code { () async throws(WireError) in
                    try await rig.join(other, url, digest: digest, credentials: credentials)
                }
            }
            #expect(await refusal(url, [:]) == .originUnauthorized)
            #expect(await refusal(url, Self.wrong) == .originForbidden)
            // Whoever knows nothing but the digest has shown no right to it.
            #expect(await refusal(nil, [:]) == .sourceUnverified)
            // Another origin that says yes to everything proves nothing.
            let open = try rig.put(bytes, at: "http://elsewhere/file")
            #expect(await refusal(open, [:]) == .sourceUnverified)
            #expect(task.memberCount == 1)
            let asked = rig.origin.memory.requests.count
            #expect(await refusal(url, Self.right) == nil)
            #expect(rig.origin.memory.requests.count == asked)
        }
    }

    /// Content that the origin does not name in any way.
    private func putUnnamed(_ rig: Rig, at text: String, fresh: Bool = true) throws -> ResourceURL {
        let url = try #require(ResourceURL(text))
        var object = MemoryBackend.Object(randomBytes(100_000, seed: 5))
        object.validators = Validators()
        if fresh { object.freshness.maxAge = .seconds(3600) }
        rig.origin.memory.set(object, at: url)
        return url
    }

    @Test("Private content that nothing but its length tells from another's is given to no other credentials")
    func unnamedContent() async throws {
        try await withSupernode({ $0.permissionTime = .zero }) { rig in
            let url = try putUnnamed(rig, at: "http://origin/mine")
            let (alice, bob) = (try rig.peer("alice"), try rig.peer("bob"))
            let joined = try await rig.join(alice, url, credentials: Self.right)
            let task = try #require(rig.supernode.tasks.task(joined.task))
            await eventually { task.isComplete }
            await rig.settled(task.id)
            for credentials in [Self.wrong, [:]] {
                #expect(
                    await code { () async throws(WireError) in
                        try await rig.join(bob, url, credentials: credentials)
                    } == .sourceUnverified
                )
            }
            #expect(task.memberCount == 1)
            // The same credentials get the same, on whatever node.
            #expect(try await rig.join(bob, url, credentials: Self.right).generation == joined.generation)
        }
    }

    @Test("While it is on its way nobody else is let in either; once stale, each fetches his own")
    func unnamedUnderWay() async throws {
        try await withSupernode { rig in
            let url = try putUnnamed(rig, at: "http://origin/mine", fresh: false)
            let (alice, bob) = (try rig.peer("alice"), try rig.peer("bob"))
            let gate = rig.origin.hold(url)
            let first = Task.immediate { try await rig.join(alice, url, credentials: Self.right) }
            await gate.reached.wait()
            let second = Task.immediate {
                await code { () async throws(WireError) in try await rig.join(bob, url, credentials: Self.wrong) }
            }
            gate.open()
            let joined = try await first.value
            #expect(await second.value == .sourceUnverified)
            await rig.settled(joined.task)
            #expect(try await rig.join(bob, url, credentials: Self.wrong).generation != joined.generation)
        }
    }

    @Test("Open content that nothing names is not taken for what somebody's credentials would bring")
    func openUnnamed() async throws {
        try await withSupernode { rig in
            let url = try putUnnamed(rig, at: "http://origin/page")
            let joined = try await rig.join(try rig.peer("a"), url)
            await rig.settled(joined.task)
            let other = try rig.peer("b")
            #expect(
                await code { () async throws(WireError) in try await rig.join(other, url, credentials: Self.right) }
                    == .sourceUnverified
            )
            #expect(try await rig.join(other, url).generation == joined.generation)
        }
    }

    @Test("What broke off of private content is not gone on with under other credentials")
    func unnamedRest() async throws {
        try await withSupernode(attempts: 2) { rig in
            let url = try #require(ResourceURL("http://origin/mine"))
            let bytes = randomBytes(40 << 20, seed: 6)
            var object = MemoryBackend.Object(bytes)
            object.validators = Validators()
            rig.origin.memory.set(object, at: url)
            let digest = Digest.of(bytes)
            let (alice, bob) = (try rig.peer("alice"), try rig.peer("bob"))
            rig.origin.memory.fail(.closed(after: 3 << 20), .failure(BackendError(.forbidden, "no")))
            let first = try await rig.join(alice, url, digest: digest, credentials: Self.right)
            await eventually { rig.supernode.tasks.task(first.task)?.failure != nil }
            await rig.settled(first.task)
            let asked = rig.origin.memory.requests.count
            let second = try await rig.join(bob, url, digest: digest, credentials: Self.wrong)
            let task = try #require(rig.supernode.tasks.task(second.task))
            await eventually { task.isComplete || task.failure != nil }
            #expect(task.isComplete)
            // All of it came anew.
            let ranges = rig.origin.memory.requests.dropFirst(asked).compactMap { $0.range?.resolve(length: 40 << 20) }
            #expect(ranges.contains { $0.offset == 0 })
        }
    }

    @Test("Open content is for everybody, by its digest alone too")
    func openContent() async throws {
        try await withSupernode { rig in
            let bytes = randomBytes(100_000, seed: 2)
            let url = try rig.put(bytes, at: "http://origin/file")
            let digest = Digest.of(bytes)
            let joined = try await rig.join(try rig.peer("a"), url, digest: digest)
            #expect(try await rig.join(try rig.peer("b"), nil, digest: digest).generation == joined.generation)
        }
    }

    @Test("A digest that nobody brought is not found, and no source is invented for it")
    func unknownDigest() async throws {
        try await withSupernode { rig in
            let peer = try rig.peer()
            #expect(
                await code { () async throws(WireError) in try await rig.join(peer, nil, digest: Digest.of("x")) }
                    == .originNotFound
            )
            #expect(rig.origin.memory.requests.isEmpty)
        }
    }

    @Test("With a cluster token nobody registers or puts without it", arguments: [nil, "", "wrong", "token2"])
    func clusterToken(presented: String?) async throws {
        try await withSupernode(token: "token") { rig in
            let request = PeerRegistrationRequest(port: 1, name: "peer", uploadSlots: 4)
            func register(_ token: String?) throws(WireError) -> PeerRegistrationResponse {
                try rig.supernode.register(request, from: "127.0.0.1", token: token, piecesPort: 2)
            }
            #expect(await code { () async throws(WireError) in try register(presented) } == .unauthenticated)
            let answer = try register("token")
            #expect(
                await code { () async throws(WireError) in try rig.supernode.session(answer.peer, presenting: presented)
                }
                    == .unauthenticated
            )
            #expect(
                await code { () async throws(WireError) in
                    try await rig.supernode.put(.init(buffer: .init(string: "x")), token: presented)
                } == .unauthenticated
            )
        }
    }

    @Test(
        "A registration out of bounds is refused",
        arguments: [
            PeerRegistrationRequest(versions: [], port: 1, name: "a", uploadSlots: 1),
            PeerRegistrationRequest(versions: [99], port: 1, name: "a", uploadSlots: 1),
            PeerRegistrationRequest(port: 65536, name: "a", uploadSlots: 1),
            PeerRegistrationRequest(port: -1, name: "a", uploadSlots: 1),
            PeerRegistrationRequest(port: 1, name: "a", uploadSlots: 0),
            PeerRegistrationRequest(port: 1, name: "a", uploadSlots: .max),
            PeerRegistrationRequest(port: 1, name: String(repeating: "a", count: 257), uploadSlots: 1),
            PeerRegistrationRequest(port: 1, address: "10.1.2.3", name: "a", uploadSlots: 1),
            PeerRegistrationRequest(port: 1, address: "evil.example", name: "a", uploadSlots: 1),
        ]
    )
    func badRegistrations(request: PeerRegistrationRequest) async throws {
        try await withSupernode { rig in
            #expect(throws: WireError.self) {
                try rig.supernode.register(request, from: "127.0.0.1", token: nil, piecesPort: 2)
            }
            #expect(rig.supernode.peers.count == 0)
        }
    }
}
