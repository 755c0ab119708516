import BackendAPI
import Content
import TestSupport
import Testing
import WireAPI

@testable import SupernodeService

@Suite(.timeLimit(.minutes(1))) struct LookupTests {
    private static let tag = "http://registry/v2/library/a/manifests/v1"

    private func lookUp(
        _ rig: Rig,
        _ session: PeerSession,
        _ url: String = tag,
        credentials: HeaderFields = [:],
        headers: HeaderFields = [:]
    ) async throws(WireError) -> HeadResponse {
        guard let url = ResourceURL(url) else { throw WireError(.invalidRequest, "\(url)") }
        return try await rig.supernode.lookUp(
            HeadRequest(url: url, headers: headers, credentials: credentials),
            session
        )
    }

    private func put(_ rig: Rig, _ text: String, credentials: HeaderFields = [:]) throws {
        var object = MemoryBackend.Object(Array(text.utf8))
        object.digest = Digest.of(text)
        object.credentials = Credentials(headers: credentials)
        object.freshness.maxAge = .seconds(5)
        rig.origin.memory.set(object, at: try #require(ResourceURL(Self.tag)))
    }

    @Test("A peer is told what the origin says now")
    func told() async throws {
        try await withSupernode { rig in
            try put(rig, "one")
            let peer = try rig.peer()
            let head = try await lookUp(rig, peer)
            #expect(head.digest == Digest.of("one"))
            #expect(head.length == 3)
            #expect(head.entityTag != nil)
            #expect(head.headers["Content-Type"] == "application/octet-stream")
            #expect(head.freshness.maxAgeSeconds == 5)
            try put(rig, "two")
            #expect(try await lookUp(rig, peer).digest == Digest.of("two"))
            #expect(rig.supernode.tasks.count == 0)
        }
    }

    @Test(
        "A thousand peers with a token each cost a handful of requests, and none of the tokens is shown to the origin"
    )
    func manyPeers() async throws {
        try await withSupernode { rig in
            try put(rig, "one")
            try await withThrowingTaskGroup(of: Digest?.self) { group in
                for number in 0..<1000 {
                    let peer = try rig.peer("\(number)")
                    group.addTask {
                        try await lookUp(rig, peer, credentials: ["Authorization": "Bearer \(number)"]).digest
                    }
                }
                for try await digest in group { #expect(digest == Digest.of("one")) }
            }
            #expect((1...8).contains(rig.origin.memory.requests.count))
            #expect(rig.origin.memory.requests.allSatisfy { $0.credentials.isEmpty })
        }
    }

    @Test(
        "The origin's no comes back with its status and challenge, and a private tag is for those alone who may read it"
    )
    func refused() async throws {
        try await withSupernode { rig in
            try put(rig, "one", credentials: ["Authorization": "Bearer right"])
            let peer = try rig.peer()
            func refusal(_ url: String = Self.tag, _ credentials: HeaderFields = [:]) async -> WireError? {
                do throws(WireError) {
                    _ = try await lookUp(rig, peer, url, credentials: credentials)
                    return nil
                } catch {
                    return error
                }
            }
            let anonymous = await refusal()
            #expect(anonymous?.code == .originUnauthorized)
            #expect(anonymous?.detail["status"] == "401")
            #expect(anonymous?.detail["challenge"] == "Basic realm=\"memory\"")
            #expect(await refusal(Self.tag, ["Authorization": "Bearer wrong"])?.code == .originForbidden)
            #expect(await refusal(Self.tag, ["Authorization": "Bearer right"]) == nil)
            let missing = await refusal("http://registry/v2/library/a/manifests/v2")
            #expect(missing?.code == .originNotFound)
            #expect(missing?.detail["status"] == "404")
        }
    }

    @Test(
        "What a peer may not send is refused before anybody is asked",
        arguments: [
            (["Authorization": "x"], [:]), (["Cookie": "x"], [:]), (["Range": "bytes=0-1"], [:]),
            ([:], ["Host": "elsewhere"]), (["If-None-Match": "x"], [:]),
        ] as [(HeaderFields, HeaderFields)]
    )
    func senseless(headers: HeaderFields, credentials: HeaderFields) async throws {
        try await withSupernode { rig in
            let peer = try rig.peer()
            #expect(
                await code { () async throws(WireError) in
                    try await lookUp(rig, peer, credentials: credentials, headers: headers)
                } == .invalidRequest
            )
            #expect(rig.origin.memory.requests.isEmpty)
        }
    }

    @Test("Who may read one repository gets nothing of another, whose blob is here, by its own repository's name")
    func isolation() async throws {
        try await withSupernode { rig in
            let anna: HeaderFields = ["Authorization": "Bearer anna"]
            let mallory: HeaderFields = ["Authorization": "Bearer mallory"]
            let bytes = randomBytes(100_000, seed: 1)
            let digest = Digest.of(bytes)
            let inY = try rig.put(bytes, at: "http://registry/v2/y/blobs/\(digest)", credentials: anna)
            let inX = try #require(ResourceURL("http://registry/v2/x/blobs/\(digest)"))
            try rig.put([1, 2, 3], at: "http://registry/v2/x/manifests/v1", credentials: mallory)
            let (owner, other) = (try rig.peer("anna"), try rig.peer("mallory"))
            let joined = try await rig.join(owner, inY, digest: digest, credentials: anna)
            await rig.settled(joined.task)
            _ = try await lookUp(rig, other, "http://registry/v2/x/manifests/v1", credentials: mallory)
            func refusal(_ url: ResourceURL, _ credentials: HeaderFields) async -> WireError.Code? {
                await code { () async throws(WireError) in
                    try await rig.join(other, url, digest: digest, credentials: credentials)
                }
            }
            #expect(await refusal(inX, mallory) == .originNotFound)
            #expect(await refusal(inY, mallory) == .originForbidden)
            #expect(await refusal(inX, [:]) == .originNotFound)
            #expect(await refusal(inY, [:]) == .originUnauthorized)
            #expect(rig.supernode.tasks.task(joined.task)?.memberCount == 1)
            // The same blob pushed to her own repository is hers.
            try rig.put(bytes, at: inX.text, credentials: mallory)
            #expect(await refusal(inX, mallory) == nil)
        }
    }

    @Test("While the registry is down, who was allowed within the hour gets what is here, and nobody else does")
    func outage() async throws {
        try await withSupernode { rig in
            let anna: HeaderFields = ["Authorization": "Bearer anna"]
            let bytes = randomBytes(100_000, seed: 1)
            let digest = Digest.of(bytes)
            let url = try rig.put(bytes, at: "http://registry/v2/y/blobs/\(digest)", credentials: anna)
            let (first, second) = (try rig.peer("first"), try rig.peer("second"))
            let joined = try await rig.join(first, url, digest: digest, credentials: anna)
            await rig.settled(joined.task)
            rig.time.pass(.seconds(3000))
            func join(_ credentials: HeaderFields) async -> WireError.Code? {
                // For nobody in particular, and for them.
                for _ in 0..<2 { rig.origin.memory.fail(.failure(BackendError(.unreachable, "down"))) }
                return await code { () async throws(WireError) in
                    try await rig.join(second, url, digest: digest, credentials: credentials)
                }
            }
            #expect(await join(anna) == nil)
            #expect(await join(["Authorization": "Bearer mallory"]) == .originUnreachable)
            rig.time.pass(.seconds(700))
            #expect(await join(anna) == .originUnreachable)
        }
    }
}
