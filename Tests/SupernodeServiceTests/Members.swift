import Content
import SwarmScheduling
import TestSupport
import Testing
import WireAPI

@testable import SupernodeService

/// A task of four pieces that the supernode holds, and its members, each at an address of its own where they are `apart`.
func withMembers(
    _ names: [String],
    apart: Bool = false,
    _ body: (Rig, SwarmTask, [PeerSession]) async throws -> Void
) async throws {
    try await withSupernode { configuration in
        // Whoever has a piece has room for all who want it.
        configuration.scheduler.peerSlots = 4
        configuration.scheduler.seedStart = 4
        configuration.scheduler.seedRepeatLine = 8
    } _: { rig in
        let url = try rig.put(randomBytes(1 << 20, seed: 1), at: "http://origin/file")
        let members = try names.enumerated().map {
            try rig.peer($1, port: $0 + 1, from: apart ? "10.0.0.\($0)" : "127.0.0.1")
        }
        for member in members { _ = try await rig.join(member, url) }
        let task = try #require(rig.supernode.tasks.all.first)
        await eventually { task.isComplete }
        try await body(rig, task, members)
    }
}

extension SwarmTask {
    /// A member's news of it.
    func report(
        failed: [TaskReport.FailedPiece] = [],
        outstanding: PieceSet = [],
        window: Int = 0,
        holds: PieceSet? = nil
    ) throws -> TaskReport {
        TaskReport(
            task: id,
            generation: try #require(generation),
            failed: failed,
            outstanding: outstanding,
            window: window,
            holds: holds
        )
    }
}

extension PeerSession {
    /// What somebody says who did not get pieces from it.
    func failures(
        _ pieces: some Sequence<Int>,
        _ reason: TaskReport.Reason = .wrongBytes
    ) -> [TaskReport.FailedPiece] {
        pieces.map { TaskReport.FailedPiece(piece: PieceIndex($0), parent: id, reason: reason) }
    }
}

extension Rig {
    func listing(_ peer: PeerSession) throws -> PeerListing {
        try #require(supernode.peerListings.first { $0.peer == peer.id })
    }

    /// A child is told, in its first call, to ask `parent` for every piece of a task.
    func name(_ parent: PeerSession, to child: PeerSession, in task: SwarmTask) async throws {
        let updates = try await exchange(child, 1, task.report(window: 4))
        let update = try #require(updates.first { $0.task == task.id })
        let named = update.assignments.filter { $0.parents.contains { update.parents[$0].peer == parent.id } }
        try #require(named.count == 4)
    }
}
