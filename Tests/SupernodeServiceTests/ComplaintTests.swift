import Content
import PieceServer
import TestSupport
import Testing
import WireAPI

@testable import SupernodeService

@Suite("What children say of parents, and who is believed", .timeLimit(.minutes(1)))
struct ComplaintTests {
    /// A member of `task` at an address that was told to ask `parent`.
    private func child(
        _ rig: Rig,
        at address: String,
        of task: SwarmTask,
        told parent: PeerSession? = nil
    ) async throws -> PeerSession {
        let child = try rig.peer("child", port: 9, from: address)
        _ = try await rig.join(child, ResourceURL("http://origin/file"))
        if let parent { try await rig.name(parent, to: child, in: task) }
        return child
    }

    /// The only member, which holds everything.
    private func withParent(_ body: (Rig, SwarmTask, PeerSession) async throws -> Void) async throws {
        try await withMembers(["parent"]) { rig, task, members in
            _ = try await rig.exchange(members[0], 1, task.report(holds: PieceSet(all: 4)))
            try await body(rig, task, members[0])
        }
    }

    @Test(
        "A node that registers several times is one voice, in whatever way its address is written",
        arguments: [TaskReport.Reason.wrongBytes, .refused, .unreachable, .timedOut]
    )
    func oneNode(reason: TaskReport.Reason) async throws {
        try await withParent { rig, task, parent in
            for address in ["10.0.0.1", "10.0.0.1", "::ffff:10.0.0.1", "10.0.0.1"] {
                let child = try await child(rig, at: address, of: task, told: parent)
                _ = try await rig.exchange(child, 2, task.report(failed: parent.failures([0], reason)))
            }
            #expect(try rig.listing(parent).state == .healthy)
            #expect(
                try rig.listing(parent).complaints == [ComplaintListing(reason: reason, times: 4, addresses: 1)]
            )
            for address in ["10.0.0.2", "fd00::1"] {
                let child = try await child(rig, at: address, of: task, told: parent)
                _ = try await rig.exchange(child, 2, task.report(failed: parent.failures([0], reason)))
                if reason != .wrongBytes { break }
            }
            #expect(try rig.listing(parent).state == .quarantined)
        }
    }

    @Test("Where a node says that it is does not make another voice of it")
    func namedAddress() async throws {
        try await withSupernode { configuration in
            configuration.networks = ["10.0.0.0/8"].compactMap { .init($0) }
        } _: { rig in
            for named in [nil, "10.0.0.7", "10.0.0.8"] {
                let request = PeerRegistrationRequest(port: 7, address: named, name: "child", uploadSlots: 1)
                let answer = try rig.supernode.register(request, from: "192.0.2.1", token: nil, piecesPort: 2)
                let session = try rig.supernode.session(answer.peer, presenting: answer.key)
                #expect(session.caller == IPAddress("192.0.2.1"))
            }
        }
    }

    @Test("Who was not told to ask a parent for a piece does not complain of it")
    func neverNamed() async throws {
        try await withParent { rig, task, parent in
            for number in 1...4 {
                let child = try await child(rig, at: "10.0.0.\(number)", of: task)
                let failed = [TaskReport.Reason.wrongBytes, .refused].flatMap { parent.failures(0..<4, $0) }
                _ = try await rig.exchange(child, 1, task.report(failed: failed))
            }
            let shown = try rig.listing(parent)
            #expect(shown.state == .healthy && shown.complaints.isEmpty)
        }
    }

    @Test("An assignment is good for one complaint, whether or not it has been taken back")
    func oncePerAssignment() async throws {
        try await withParent { rig, task, parent in
            let child = try await child(rig, at: "10.0.0.1", of: task, told: parent)
            // All are moved to the supernode.
            _ = try rig.supernode.block("\(parent.id)", BlockRequest())
            try rig.supernode.unblock("\(parent.id)")
            for sequence in 2...4 {
                _ = try await rig.exchange(child, UInt64(sequence), task.report(failed: parent.failures([0, 1])))
            }
            let complaints = try rig.listing(parent).complaints
            #expect(complaints == [ComplaintListing(reason: .wrongBytes, times: 2, addresses: 1)])
        }
    }

    @Test("A piece that one parent failed and the next one brought counts; after that there is nothing to complain of")
    func alternate() async throws {
        try await withParent { rig, task, parent in
            let child = try await child(rig, at: "10.0.0.1", of: task, told: parent)
            var report = try task.report(failed: parent.failures([0]))
            report.finished = [0, 1].map { .init(piece: PieceIndex($0), parent: rig.supernode.seed.id) }
            _ = try await rig.exchange(child, 2, report)
            _ = try await rig.exchange(child, 3, task.report(failed: parent.failures([1])))
            let complaints = try rig.listing(parent).complaints
            #expect(complaints == [ComplaintListing(reason: .wrongBytes, times: 1, addresses: 1)])
        }
    }

    @Test("What is kept of whom a peer was told to ask is bounded")
    func bounded() {
        var named = NamedParents()
        let parents = [PeerID(), PeerID()]
        for piece in 0..<1000 { named.add(parents, for: PieceIndex(piece)) }
        let kept = (0..<1000).filter { named.contains(parents[0], for: PieceIndex($0)) }
        #expect(kept == Array(1000 - NamedParents.most / 2..<1000))
        for piece in 0..<1000 { named.finished(PieceIndex(piece)) }
        #expect(named.isEmpty)
    }

    @Test(
        "A quarantine, the probation after it and its end are logged once each, with the node, the reasons and the time"
    )
    func logged() async throws {
        try await withMembers(["bad", "a", "b", "c"], apart: true) { rig, task, members in
            let (bad, children) = (members[0], members.dropFirst())
            _ = try await rig.exchange(bad, 1, task.report(holds: PieceSet(all: 4)))
            for (pieces, sequence) in [([0, 1], 2), ([2], 3)] as [([Int], UInt64)] {
                for child in children {
                    if sequence == 2 { try await rig.name(bad, to: child, in: task) }
                    _ = try await rig.exchange(child, sequence, task.report(failed: bad.failures(pieces)))
                }
            }
            #expect(try rig.listing(bad).complaints.map(\.times) == [9])
            func lines(_ message: String) -> [String] {
                rig.logs.text.split(separator: "\n").filter { $0.hasPrefix(message) }.map(String.init)
            }
            #expect(lines("peer in quarantine").count == 1)
            let line = try #require(lines("peer in quarantine").first)
            for text in ["10.0.0.0:1", "bad", "5 wrongBytes by 3", "10.0 seconds", " GMT", "\(task.id)"] {
                #expect(line.contains(text), "\(text) in \(line)")
            }
            #expect(!rig.logs.text.contains(bad.key.reveal()))
            #expect(lines("peer on probation").isEmpty)
            for _ in 0..<5 {
                rig.pass(.seconds(3))
                bad.heard()
                for child in children { child.heard() }
            }
            #expect(lines("peer on probation").count == 1)
            let child = try await child(rig, at: "10.0.0.9", of: task)
            var report = try task.report()
            report.finished = [0, 1].map { .init(piece: PieceIndex($0), parent: bad.id) }
            _ = try await rig.exchange(child, 1, report)
            #expect(lines("peer in good health again").count == 1)
            #expect(lines("peer in quarantine").count == 1)
        }
    }

    @Test("A block is logged when it comes, changes its reason or goes")
    func blocksLogged() async throws {
        try await withSupernode { rig in
            for reason in ["disk", "disk", "its disk is dying"] {
                _ = try rig.supernode.block("10.0.0.1:1", BlockRequest(reason: reason))
            }
            for _ in 0..<2 { try rig.supernode.unblock("10.0.0.1:1") }
            let lines = rig.logs.text.split(separator: "\n").filter { $0.contains("10.0.0.1:1") }
            #expect(lines.map { $0.hasPrefix("node blocked") } == [true, true, false])
            #expect(lines.last?.hasPrefix("node unblocked") == true)
            #expect(lines[1].contains("its disk is dying"))
        }
    }
}
