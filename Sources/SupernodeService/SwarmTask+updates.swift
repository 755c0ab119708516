import CacheStore
import Content
import OriginFetch
import PieceServer
import SwarmScheduling
import Synchronization
import WireAPI

extension SwarmTask {

    /// What a member has not been told yet; nil if there is nothing to say.
    func takeUpdate(for session: PeerSession, sequence: UInt64) -> TaskUpdate? {
        state.withLock { state in
            guard let generation = state.generation else { return nil }
            var update = TaskUpdate(task: id, generation: generation)
            if case .failed(let error) = state.phase {
                update.state = .failed
                update.error = error
                return update
            }
            guard var member = state.members[session.id], let file = state.file else {
                update.state = .changed
                return update
            }
            var says = false
            let length = state.isVerified || state.record?.digest == nil ? file.layout.length : nil
            if !member.lengthTold, let length {
                update.length = length
                member.lengthTold = true
                says = true
            }
            if !member.cancelled.isEmpty {
                update.cancelled = member.cancelled
                member.cancelled = []
                says = true
            }
            says = Self.addAssignments(to: &update, for: &member, in: state, by: self) || says
            for piece in update.assignments.map(\.piece) { member.carried[piece] = sequence }
            // One answer may overtake another: what says to fetch the last piece also says where that ends.
            let last = file.layout.pieceCount.flatMap { $0 > 0 ? PieceIndex($0 - 1) : nil }
            if update.assignments.contains(where: { $0.piece == last }) { update.length = length }
            if says {
                if !member.hasAnnounced { member.toldEarly = true }
                let news = state.published.subtracting(member.told)
                if !news.isEmpty {
                    update.manifest = ManifestEntries(Self.digests(of: news, in: file))
                    member.told = state.published
                }
            }
            state.members[session.id] = member
            return says ? update : nil
        }
    }

    static func addAssignments(
        to update: inout TaskUpdate,
        for member: inout SwarmMember,
        in state: borrowing State,
        by task: SwarmTask
    ) -> Bool {
        guard !member.pending.isEmpty, let file = state.file, let generation = state.generation else { return false }
        var positions: [PeerID: Int] = [:]
        for assignment in member.pending.values {
            guard let digest = file.digest(of: assignment.piece) else { continue }
            var parents: [Int] = []
            for parent in [assignment.parent] + assignment.alternates {
                if let position = positions[parent] {
                    parents.append(position)
                    continue
                }
                guard let (url, key) = task.address(of: parent, in: state) else { continue }
                let ticket = task.ticket(for: member.session.id, from: (parent, key), generation)
                positions[parent] = update.parents.count
                parents.append(update.parents.count)
                update.parents.append(TaskUpdate.Parent(peer: parent, url: url, ticket: ticket.description))
            }
            member.named.add(parents.map { update.parents[$0].peer }, for: assignment.piece)
            update.assignments.append(TaskUpdate.Assignment(piece: assignment.piece, digest: digest, parents: parents))
        }
        member.pending = [:]
        return true
    }

    /// The permission to fetch from a parent.
    func ticket(for peer: PeerID, from parent: (id: PeerID, key: PeerKey), _ generation: Generation) -> Ticket {
        Ticket(
            task: id,
            generation: generation,
            parent: parent.id,
            peer: peer,
            expiry: Int64(clock.date() + configuration.ticketTime.seconds),
            key: parent.key
        )
    }

    func address(of parent: PeerID, in state: borrowing State) -> (url: String, key: PeerKey)? {
        if parent == seed.id { return ("", seed.key) }
        return state.members[parent].map { ($0.session.url, $0.session.key) }
    }

    static func digests(of pieces: PieceSet, in file: PieceFile) -> [PieceIndex: Digest] {
        var digests: [PieceIndex: Digest] = [:]
        for piece in pieces { digests[piece] = file.digest(of: piece) }
        return digests
    }
}
