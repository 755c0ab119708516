import BackendAPI
import CacheStore
import Content
import OriginFetch
import PieceServer
import SwarmScheduling
import Synchronization
import WireAPI

extension SwarmTask {
    /// A peer joins, or joins again: what it was told before counts no longer.
    ///
    /// Returns what it needs to know, or nil if there is no content (yet, or any longer).
    func enroll(
        _ session: PeerSession,
        pattern: TaskRegistrationRequest.Pattern
    ) throws(WireError) -> TaskRegistrationResponse? {
        var response: TaskRegistrationResponse?
        // Before it is a member: news that nobody can look up would be lost.
        guard session.add(self) else { throw WireError(.unknownPeer, "the peer has left; register again") }
        change { state in
            guard case .running = state.phase, let file = state.file, let generation = state.generation,
                let record = state.record
            else { return }
            var member = SwarmMember(session: session)
            let digests = Self.digests(of: state.published, in: file)
            member.told = state.published
            // Content without a byte has no last piece to hold back: whoever knew its length had all of it.
            let length = file.layout.length.flatMap { $0 > 0 || state.isVerified ? $0 : nil }
            member.lengthTold = length != nil
            let opening = openingTicket(for: session, in: state)
            state.scheduler.join(
                session.id,
                as: .peer,
                holding: [],
                labels: PeerLabels(session.labels)
            )
            state.scheduler.restrict(session.id, pattern == .cdn ? .seedOnly : .anyParent)
            state.members[session.id] = member
            state.scheduler.calls(session.id, from: session.caller)
            heedBlocks(of: session, in: &state)
            let now = clock.date()
            response = TaskRegistrationResponse(
                task: id,
                generation: generation,
                length: length,
                pieceSize: file.layout.pieceSize,
                manifest: ManifestEntries(digests),
                digest: record.digest,
                entityTag: record.validators.entityTag,
                lastModified: record.validators.lastModified,
                headers: record.headers,
                freshFor: record.freshUntil.flatMap { $0 > now ? $0 - now : nil },
                age: record.age(at: now),
                openingTicket: opening
            )
        }
        if response == nil { session.remove(self) }
        if session.isGone {
            leave(session)
            throw WireError(.unknownPeer, "the peer has left; register again")
        }
        return response
    }

    /// For the first to join while the first piece is still coming; nobody else can be told of bytes sooner.
    private func openingTicket(for session: PeerSession, in state: borrowing State) -> String? {
        guard let file = state.file, let generation = state.generation, Opening.exists(in: file.layout),
            !state.published.contains(PieceIndex(0)), state.members.count < Self.mostOpenings
        else { return nil }
        return ticket(for: session.id, from: (seed.id, seed.key), generation).description
    }

    /// So many members at most are given the opening besides the first piece.
    private static let mostOpenings = 4

    /// The most pieces of content of unknown length.
    private static let mostPieces = 1 << 20

    /// Nothing more comes of the task: its members have part in it no longer.
    func dismissMembers() {
        let sessions = state.withLock { state in
            defer { state.members = [:] }
            return state.members.values.map(\.session)
        }
        for session in sessions { session.remove(self) }
    }

    /// A peer is gone.
    func leave(_ session: PeerSession) {
        session.remove(self)
        change { state in
            guard state.members.removeValue(forKey: session.id) != nil else { return }
            state.scheduler.leave(session.id)
        }
    }

    /// Takes in a member's news.
    ///
    /// Whatever follows for it or others is told through the sessions.
    ///
    /// What a call that a newer one has overtaken says of things under way is out of date and counts no longer.
    ///
    /// Returns false if the peer has no part in this generation.
    func apply(_ report: TaskReport, from session: PeerSession, open: [UInt64], isLatest: Bool) -> Bool {
        if report.leaving == true {
            leave(session)
            return true
        }
        var known = false
        var saysAgain = false
        change { state in
            guard var member = state.members[session.id], state.generation == report.generation else { return }
            known = true
            // Numbers that no piece has would only cost memory.
            let count = state.file?.layout.pieceCount ?? Self.mostPieces
            if let holds = report.holds {
                member.claimed.formUnion(holds.last.map { $0.value < count } ?? true ? holds : [])
                for piece in holds where state.published.contains(piece) {
                    state.scheduler.finished(piece, by: session.id, from: nil)
                }
                // Told once more, after a call failed: so an answer was lost, and with it what it carried.
                saysAgain = member.hasAnnounced || member.toldEarly
                if saysAgain { member.forgetTold() }
                member.hasAnnounced = true
            }
            applyTransfers(report, count: count, of: &member, to: &state)
            defer { state.members[session.id] = member }
            guard isLatest else { return }
            let outstanding = member.outstanding(reported: report.outstanding, open: open)
            member.carried = member.carried.filter { outstanding.contains($0.key) }
            state.scheduler.reconcile(session.id, outstanding: outstanding)
            state.scheduler.reader(session.id, at: report.reader)
            state.scheduler.wants(session.id, only: report.wanted.map { $0.below(count) })
            state.scheduler.wants(session.id, max(0, min(max(0, report.window), 64) - outstanding.count))
        }
        if saysAgain { session.notify(id) }
        return known
    }

    /// Takes in what became of a member's transfers; there are `count` pieces at most.
    private func applyTransfers(_ report: TaskReport, count: Int, of member: inout SwarmMember, to state: inout State) {
        let peer = member.session.id
        for finished in report.finished where finished.piece.value < count {
            member.claimed.insert(finished.piece)
            member.carried[finished.piece] = nil
            member.pending[finished.piece] = nil
            guard state.published.contains(finished.piece) else { continue }
            state.scheduler.finished(
                finished.piece,
                by: peer,
                from: finished.parent,
                timing: TransferTiming(finished)
            )
        }
        for failed in report.failed {
            member.carried[failed.piece] = nil
            state.scheduler.failed(
                failed.piece,
                by: peer,
                from: failed.parent,
                reason: FailureReason(failed.reason),
                wasNamed: member.named.take(failed.parent, for: failed.piece),
                at: clock.now()
            )
        }
        // Only now: a piece that one parent failed may have come from the next one.
        for finished in report.finished { member.named.finished(finished.piece) }
        for piece in report.ending where piece.value < count { state.scheduler.ending(piece, by: peer) }
        for piece in report.late where piece.value < count { state.scheduler.late(piece, by: peer) }
    }
}
