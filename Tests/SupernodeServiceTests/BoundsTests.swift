import BackendAPI
import Content
import OriginFetch
import TestSupport
import Testing
import WireAPI

@testable import SupernodeService

@Suite(.timeLimit(.minutes(1))) struct BoundsTests {
    private static let long = String(repeating: "x", count: 257)

    @Test(
        "Labels and names are bounded in number and size",
        arguments: [
            (["zone": String(long.dropLast())], true), (["zone": long], false), ([long: "a"], false),
            (["zone": "a\nb"], false), (["": ""], true),
            (Dictionary(uniqueKeysWithValues: (0..<16).map { ("\($0)", "a") }), true),
            (Dictionary(uniqueKeysWithValues: (0..<17).map { ("\($0)", "a") }), false),
        ] as [([String: String], Bool)]
    )
    func labels(labels: [String: String], isGood: Bool) async throws {
        try await withSupernode { rig in
            let request = PeerRegistrationRequest(port: 1, name: "a", labels: labels, uploadSlots: 1)
            let refused = await code { () async throws(WireError) in
                try rig.supernode.register(request, from: "127.0.0.1", token: nil, piecesPort: 2)
            }
            #expect(refused == (isGood ? nil : .invalidRequest))
        }
    }

    @Test("No more peers register than there is room for")
    func peers() async throws {
        try await withSupernode({ $0.bounds.peers = 3 }) { rig in
            let peers = try (0..<3).map { try rig.peer("\($0)") }
            #expect(await code { () async throws(WireError) in try register(rig) } == .busy)
            rig.supernode.leave(peers[0])
            #expect(await code { () async throws(WireError) in try register(rig) } == nil)
        }
    }

    private func register(_ rig: Rig) throws(WireError) -> PeerRegistrationResponse {
        let request = PeerRegistrationRequest(port: 1, name: "one more", uploadSlots: 1)
        return try rig.supernode.register(request, from: "127.0.0.1", token: nil, piecesPort: 2)
    }

    @Test("One peer joins no more tasks than one peer may, and rejoins those it has")
    func tasksOfPeer() async throws {
        try await withSupernode({ $0.bounds.tasksOfPeer = 2 }) { rig in
            let urls = try (0..<3).map { try rig.put([UInt8($0)], at: "http://origin/\($0)") }
            let (first, second) = (try rig.peer("first"), try rig.peer("second"))
            for url in urls.prefix(2) { _ = try await rig.join(first, url) }
            #expect(await code { () async throws(WireError) in try await rig.join(first, urls[2]) } == .busy)
            #expect(await code { () async throws(WireError) in try await rig.join(first, urls[0]) } == nil)
            #expect(await code { () async throws(WireError) in try await rig.join(second, urls[2]) } == nil)
        }
    }

    @Test("No more tasks are at work than there is room for")
    func tasks() async throws {
        try await withSupernode({ $0.bounds.tasks = 2 }) { rig in
            let urls = try (0..<3).map { try rig.put([UInt8($0)], at: "http://origin/\($0)") }
            let peer = try rig.peer()
            for url in urls.prefix(2) { _ = try await rig.join(peer, url) }
            #expect(await code { () async throws(WireError) in try await rig.join(peer, urls[2]) } == .busy)
            #expect(rig.supernode.tasks.count == 2)
            #expect(await code { () async throws(WireError) in try await rig.join(peer, urls[0]) } == nil)
        }
    }

    @Test("Of an origin's refusal so much is kept as a person reads")
    func originText() {
        let long = String(repeating: "x", count: 100_000)
        let error = WireError(BackendError(.unauthorized, long, challenges: [long]))
        #expect(error.message.utf8.count == WireError.longestOriginText)
        #expect(error.detail["challenge"] == nil)
        let short = WireError(BackendError(.unauthorized, "no", challenges: ["Basic realm=\"a\""]))
        #expect(short.message == "no")
        #expect(short.detail["challenge"] == "Basic realm=\"a\"")
    }
}
