import Content
import SwarmScheduling
import TestSupport
import Testing
import WireAPI

@testable import SupernodeService

@Suite(.timeLimit(.minutes(1))) struct HealthTests {
    @Test("The list of peers says how each stands and why, through a quarantine to probation and good health")
    func listing() async throws {
        try await withMembers(["bad", "a", "b", "c"], apart: true) { rig, task, members in
            let bad = members[0]
            _ = try await rig.exchange(bad, 1, task.report(holds: PieceSet(all: 4)))
            #expect(try rig.listing(bad).state == .healthy)
            for (number, child) in members.dropFirst().enumerated() {
                try await rig.name(bad, to: child, in: task)
                _ = try await rig.exchange(child, 2, task.report(failed: bad.failures(0...number)))
                #expect(try rig.listing(bad).state == (number < 2 ? .healthy : .quarantined))
            }
            var shown = try rig.listing(bad)
            #expect(shown.complaints == [ComplaintListing(reason: .wrongBytes, times: 6, addresses: 3)])
            #expect(shown.quarantineSeconds == 10)
            rig.pass(.seconds(4))
            #expect(try rig.listing(bad).quarantineSeconds == 6)
            // Who has part in a task must not be silent for long.
            bad.heard()
            rig.pass(.seconds(4))
            bad.heard()
            rig.pass(.seconds(2))
            shown = try rig.listing(bad)
            #expect(shown.state == .probation && shown.quarantineSeconds == nil)
            #expect(try rig.listing(members[1]).complaints.isEmpty)
        }
    }

    @Test("What children complain of in several tasks adds up, each address counted once")
    func severalTasks() async throws {
        try await withMembers(["bad", "a"]) { rig, task, members in
            let url = try rig.put(randomBytes(1 << 20, seed: 2), at: "http://origin/other")
            for member in members { _ = try await rig.join(member, url) }
            #expect(rig.supernode.tasks.count == 2)
            await eventually { rig.supernode.tasks.all.allSatisfy(\.isComplete) }
            for task in rig.supernode.tasks.all {
                _ = try await rig.exchange(members[0], 1, task.report(holds: PieceSet(all: 4)))
                try await rig.name(members[0], to: members[1], in: task)
            }
            let reports = try rig.supernode.tasks.all.map { task in
                let reasons: [TaskReport.Reason] = [.timedOut, .local, .generation]
                return try task.report(
                    failed: reasons.enumerated().flatMap { members[0].failures([$0], $1) }
                )
            }
            _ = try await rig.supernode.exchange(
                ExchangeRequest(sequence: 2, open: [], waitMilliseconds: 0, tasks: reports),
                members[1]
            )
            let shown = try rig.listing(members[0])
            #expect(shown.complaints == [ComplaintListing(reason: .timedOut, times: 2, addresses: 1)])
            #expect(shown.state == .healthy && shown.tasks == 2)
        }
    }

    @Test("What is under way from a blocked node is moved, and nobody is sent to it, whatever it registers as")
    func block() async throws {
        try await withMembers(["bad", "child"]) { rig, task, members in
            let (bad, child) = (members[0], members[1])
            _ = try await rig.exchange(bad, 1, task.report(holds: PieceSet(all: 4)))
            let first = try await rig.exchange(child, 1, task.report(window: 4)).flatMap(\.parents)
            #expect(first.contains { $0.peer == bad.id })
            let blocked = try rig.supernode.block("\(bad.id)", BlockRequest(reason: "its disk is dying"))
            #expect(blocked.address == "127.0.0.1:1" && blocked.peers == [bad.id])
            let moved = try await rig.exchange(child, 2, task.report(outstanding: PieceSet(all: 4), window: 4))
            #expect(moved.flatMap(\.cancelled).isEmpty == false)
            #expect(moved.flatMap(\.assignments).count == moved.flatMap(\.cancelled).count)
            #expect(!moved.flatMap(\.parents).contains { $0.peer == bad.id })
            let shown = try rig.listing(bad)
            #expect(shown.state == .blocked && shown.blockReason == "its disk is dying")

            for member in members { rig.supernode.leave(member) }
            let again = try rig.peer("bad once more", port: 1)
            let record = try #require(ResourceURL("http://origin/file"))
            _ = try await rig.join(again, record)
            _ = try await rig.exchange(again, 1, task.report(holds: PieceSet(all: 4)))
            let late = try rig.peer("late", port: 9)
            _ = try await rig.join(late, record)
            let updates = try await rig.exchange(late, 1, task.report(window: 4))
            #expect(updates.flatMap(\.assignments).count == 4)
            #expect(!updates.flatMap(\.parents).contains { $0.peer == again.id })
            #expect(try rig.listing(again).state == .blocked)
            #expect(rig.supernode.blockListings.map(\.peers) == [[again.id]])

            try rig.supernode.unblock("127.0.0.1:1")
            #expect(try rig.listing(again).state == .healthy)
            #expect(rig.supernode.blockListings.isEmpty)
            let next = try rig.peer("next", port: 10)
            _ = try await rig.join(next, record)
            let parents = try await rig.exchange(next, 1, task.report(window: 4)).flatMap(\.parents)
            #expect(parents.contains { $0.peer == again.id })
        }
    }

    @Test("An answer that has not gone out yet does not name a node that has been blocked since")
    func pendingAnswer() async throws {
        try await withMembers(["bad", "child"]) { rig, task, members in
            let (bad, child) = (members[0], members[1])
            _ = try await rig.exchange(bad, 1, task.report(holds: PieceSet(all: 4)))
            // Taken in, but answered only with the next call.
            let isTaken = task.apply(try task.report(window: 4), from: child, open: [], isLatest: true)
            #expect(isTaken)
            _ = try rig.supernode.block("\(bad.id)", BlockRequest())
            let updates = try await rig.exchange(child, 1, task.report(window: 4))
            #expect(updates.flatMap(\.assignments).count == 4)
            #expect(!updates.flatMap(\.parents).contains { $0.peer == bad.id })
        }
    }

    @Test("A node that joins while it is blocked is blocked there, whichever comes first; the same for the way back")
    func race() async throws {
        try await withMembers(["other"]) { rig, task, _ in
            for round in 0..<200 {
                let peer = try rig.peer("bad", port: 1000 + round)
                let isBlocked = round.isMultiple(of: 2)
                if !isBlocked { _ = try rig.supernode.block("\(peer.id)", BlockRequest()) }
                try await withThrowingTaskGroup { group in
                    group.addTask { _ = try task.enroll(peer, pattern: .p2p) }
                    group.addTask {
                        if isBlocked {
                            _ = try rig.supernode.block("\(peer.id)", BlockRequest())
                        } else {
                            try rig.supernode.unblock("\(peer.id)")
                        }
                    }
                    group.addTask { _ = rig.supernode.peerListings }
                    try await group.waitForAll()
                }
                #expect((task.standings(at: rig.time.now)[peer.id]?.state == .blocked) == isBlocked)
            }
        }
    }

    @Test("A blocked peer may download")
    func blockedPeerDownloads() async throws {
        try await withMembers(["bad"]) { rig, task, members in
            _ = try rig.supernode.block("127.0.0.1:1", BlockRequest())
            let updates = try await rig.exchange(members[0], 1, task.report(window: 4))
            #expect(!updates.flatMap(\.assignments).isEmpty)
        }
    }

    @Test("What names no node is refused; how many are blocked is bounded")
    func bounds() async throws {
        try await withSupernode({ $0.bounds.blocks = 2 }) { rig in
            let long = String(repeating: "x", count: 257)
            for (name, reason, expected) in [
                ("10.0.0.1:1", "why", nil), ("10.0.0.1:1", nil, nil), ("10.0.0.1:1", long, .invalidRequest),
                ("10.0.0.1:1", "two\nlines", .invalidRequest), ("", nil, .invalidRequest), ("x", nil, .invalidRequest),
                ("\(PeerID())", nil, .unknownPeer), ("%5Bfd00::1%5D:7", nil, nil), ("[fd00:0:0::1]:7", nil, nil),
                ("10.0.0.2:1", nil, .busy),
            ] as [(String, String?, WireError.Code?)] {
                let refused = await code { () async throws(WireError) in
                    try rig.supernode.block(name, BlockRequest(reason: reason))
                }
                #expect(refused == expected, "\(name)")
            }
            #expect(rig.supernode.blockListings.map(\.address) == ["10.0.0.1:1", "[fd00::1]:7"])
            try rig.supernode.unblock("10.0.0.9:1")
            try rig.supernode.unblock("10.0.0.1:1")
            #expect(rig.supernode.blockListings.map(\.address) == ["[fd00::1]:7"])
        }
    }

    @Test(
        "Who blocks knows the cluster's token, or calls from this machine where there is none",
        arguments: [
            (nil, nil, "127.0.0.1", nil), (nil, nil, "127.8.0.1", nil), (nil, nil, "::1", nil),
            (nil, nil, "10.0.0.1", .forbidden), (nil, "any", "10.0.0.1", .forbidden), (nil, nil, nil, .forbidden),
            (nil, nil, "fe80::1", .forbidden), ("secret", "secret", "10.0.0.1", nil),
            ("secret", "secret", nil, nil), ("secret", "other", "127.0.0.1", .unauthenticated),
            ("secret", nil, "127.0.0.1", .unauthenticated),
        ] as [(String?, String?, String?, WireError.Code?)]
    )
    func authorization(
        token: String?,
        presented: String?,
        address: String?,
        expected: WireError.Code?
    ) async throws {
        try await withSupernode(token: token) { rig in
            let refused = await code { () async throws(WireError) in
                try rig.supernode.authorize(presented, from: address)
            }
            #expect(refused == expected)
        }
    }

    @Test("A node is the same in whatever way its address is written")
    func addresses() async throws {
        try await withSupernode { configuration in
            configuration.networks = ["10.0.0.0/8", "fd00::/8"].compactMap { .init($0) }
        } _: { rig in
            for (named, shown) in [
                ("10.0.0.1", "http://10.0.0.1:7"), ("::ffff:10.0.0.1", "http://10.0.0.1:7"),
                ("FD00:0:0::1", "http://[fd00::1]:7"),
            ] {
                let request = PeerRegistrationRequest(port: 7, address: named, name: named, uploadSlots: 1)
                let answer = try rig.supernode.register(request, from: "127.0.0.1", token: nil, piecesPort: 2)
                #expect(try rig.listing(rig.supernode.session(answer.peer, presenting: answer.key)).address == shown)
            }
        }
    }
}
