import BackendAPI
import CacheStore
import Content
import OriginFetch
import PieceServer
import SwarmScheduling
import Synchronization
import WireAPI

/// One task at the supernode: its content as far as it is here, its swarm, and the news for each member.
///
/// All that is shared is below one lock, which is never held while something waits. Sessions are told of news after it has
/// been let go.
final class SwarmTask: Sendable {
    let id: TaskID
    /// The content's digest where the task is named by it.
    let digest: Digest?
    private let seed: SeedIdentity
    private let configuration: PeerConfiguration
    private let state: Mutex<State>

    struct State {
        var phase = Phase.waiting
        var generation: Generation?
        var file: PieceFile?
        var record: OriginRecord?
        /// Pieces that members may be told of.
        var published = PieceSet()
        /// Pieces that are committed but held back.
        var heldBack = PieceSet()
        /// Whether the content's digest has been checked, or there is none to check.
        var isVerified = false
        var scheduler: SwarmScheduler
        var members: [PeerID: SwarmMember] = [:]
        var random = SystemRandomNumberGenerator()
    }

    enum Phase {
        /// The origin has not answered yet.
        case waiting
        /// There is a file: arriving or complete.
        case running
        /// The content can not be had.
        case failed(WireError)
    }

    init(id: TaskID, digest: Digest?, seed: SeedIdentity, configuration: PeerConfiguration) {
        self.id = id
        self.digest = digest
        self.seed = seed
        self.configuration = configuration
        state = Mutex(State(scheduler: SwarmScheduler(Self.schedulerConfiguration(configuration))))
    }

    private static func schedulerConfiguration(_ configuration: PeerConfiguration) -> SchedulerConfiguration {
        var scheduler = SchedulerConfiguration()
        scheduler.seedSlots = configuration.seedSlots
        return scheduler
    }
}

// MARK: - Content

extension SwarmTask {
    var generation: Generation? { state.withLock { $0.generation } }
    var file: PieceFile? { state.withLock { $0.file } }
    var record: OriginRecord? { state.withLock { $0.record } }
    var memberCount: Int { state.withLock { $0.members.count } }

    var failure: WireError? {
        state.withLock { state in
            if case .failed(let error) = state.phase { error } else { nil }
        }
    }

    /// Whether the file is whole and checked.
    var isComplete: Bool { state.withLock { $0.isVerified && $0.file?.isWhole == true } }

    /// There is a file to serve from.
    ///
    /// Members of an earlier generation are told to join again.
    func begin(_ file: PieceFile, record: OriginRecord, generation: Generation, verified: Bool) {
        let sessions = state.withLock { state -> [PeerSession] in
            let members = state.members.values.map(\.session)
            state = State(scheduler: SwarmScheduler(Self.schedulerConfiguration(configuration)))
            state.phase = .running
            state.generation = generation
            state.file = file
            state.record = record
            state.isVerified = verified || record.digest == nil
            if let count = file.layout.pieceCount { state.scheduler.learn(pieceCount: count) }
            state.scheduler.join(seed.id, as: .seed, holding: [], labels: PeerLabels())
            return members
        }
        for session in sessions { session.notify(id) }
        publish(file.committed)
    }

    /// The origin says that the content is still the same.
    func refresh(_ record: OriginRecord) {
        state.withLock { $0.record = record }
    }

    /// Whether members may have been told of the piece.
    func hasPublished(_ piece: PieceIndex) -> Bool { state.withLock { $0.published.contains(piece) } }

    /// The seed holds this piece now.
    func publish(_ piece: PieceIndex) {
        var pieces = PieceSet()
        pieces.insert(piece)
        publish(pieces)
    }

    /// The seed holds these pieces now.
    func publish(_ pieces: PieceSet) {
        change { state in
            for piece in pieces where !state.published.contains(piece) { state.heldBack.insert(piece) }
            Self.publishHeldBack(&state, seed: seed.id)
        }
    }

    /// The content's digest has been checked: whoever has all pieces has the right content.
    func verified() {
        change { state in
            state.isVerified = true
            if let count = state.file?.layout.pieceCount { state.scheduler.learn(pieceCount: count) }
            Self.publishHeldBack(&state, seed: seed.id)
        }
        // Whoever has every piece can not know so before it has been told the length.
        let waiting = state.withLock { $0.members.values.filter { !$0.lengthTold }.map(\.session) }
        for session in waiting { session.notify(id) }
    }

    /// The content can not be had (any longer): every member is told.
    func fail(_ error: WireError) {
        let sessions = state.withLock { state in
            state.phase = .failed(error)
            return state.members.values.map(\.session)
        }
        for session in sessions { session.notify(id) }
    }

    /// While the content's digest is unchecked, the last piece (or, as long as nobody knows which that is, the highest one)
    /// stays here.
    private static func publishHeldBack(_ state: inout State, seed: PeerID) {
        guard let file = state.file, !state.heldBack.isEmpty else { return }
        var keep: PieceIndex?
        if !state.isVerified {
            keep = file.layout.pieceCount.map { PieceIndex(max(0, $0 - 1)) } ?? file.committed.last
        }
        let ready = state.heldBack
        for piece in ready where piece != keep {
            state.heldBack.remove(piece)
            state.published.insert(piece)
            if file.layout.pieceCount == nil { state.scheduler.learn(pieceCount: piece.value + 1) }
            state.scheduler.finished(piece, by: seed, from: nil)
            for (peer, member) in state.members where member.claimed.contains(piece) {
                state.scheduler.finished(piece, by: peer, from: nil)
            }
        }
    }
}

// MARK: - Members

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
            member.lengthTold = file.layout.length != nil
            member.digestTold = record.digest != nil
            state.scheduler.leave(session.id)
            state.scheduler.join(
                session.id,
                as: .peer,
                holding: [],
                labels: PeerLabels(site: session.labels["zone"])
            )
            state.scheduler.restrict(session.id, pattern == .cdn ? .seedOnly : .anyParent)
            state.members[session.id] = member
            response = TaskRegistrationResponse(
                task: id,
                generation: generation,
                length: file.layout.length,
                pieceSize: file.layout.pieceSize,
                manifest: ManifestEntries(digests),
                digest: record.digest,
                entityTag: record.validators.entityTag,
                lastModified: record.validators.lastModified,
                headers: record.headers
            )
        }
        if response == nil { session.remove(self) }
        if session.isGone {
            leave(session)
            throw WireError(.unknownPeer, "the peer has left; register again")
        }
        return response
    }

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
                saysAgain = member.hasAnnounced
                if saysAgain { member.forgetTold() }
                member.hasAnnounced = true
            }
            for finished in report.finished where finished.piece.value < count {
                member.claimed.insert(finished.piece)
                member.carried[finished.piece] = nil
                member.pending[finished.piece] = nil
                guard state.published.contains(finished.piece) else { continue }
                state.scheduler.finished(finished.piece, by: session.id, from: finished.parent)
            }
            for failed in report.failed {
                member.carried[failed.piece] = nil
                state.scheduler.failed(
                    failed.piece,
                    by: session.id,
                    from: failed.parent,
                    reason: FailureReason(failed.reason),
                    at: .now
                )
            }
            defer { state.members[session.id] = member }
            guard isLatest else { return }
            let outstanding = member.outstanding(reported: report.outstanding, open: open)
            member.carried = member.carried.filter { outstanding.contains($0.key) }
            state.scheduler.reconcile(session.id, outstanding: outstanding)
            state.scheduler.reader(session.id, at: report.reader)
            state.scheduler.wants(session.id, max(0, min(max(0, report.window), 64) - outstanding.count))
        }
        if saysAgain { session.notify(id) }
        return known
    }

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
            if !member.lengthTold, let length = file.layout.length, state.isVerified || state.record?.digest == nil {
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
            if says {
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

    private static func addAssignments(
        to update: inout TaskUpdate,
        for member: inout SwarmMember,
        in state: borrowing State,
        by task: SwarmTask
    ) -> Bool {
        guard !member.pending.isEmpty, let file = state.file, let generation = state.generation else { return false }
        var positions: [PeerID: Int] = [:]
        let expiry = Int64(UnixTime.now() + task.configuration.ticketTime.seconds)
        for assignment in member.pending.values {
            guard let digest = file.digest(of: assignment.piece) else { continue }
            var parents: [Int] = []
            for parent in [assignment.parent] + assignment.alternates {
                if let position = positions[parent] {
                    parents.append(position)
                    continue
                }
                guard let (url, key) = task.address(of: parent, in: state) else { continue }
                let ticket = Ticket(
                    task: task.id,
                    generation: generation,
                    parent: parent,
                    peer: member.session.id,
                    expiry: expiry,
                    key: key
                )
                positions[parent] = update.parents.count
                parents.append(update.parents.count)
                update.parents.append(TaskUpdate.Parent(peer: parent, url: url, ticket: ticket.description))
            }
            update.assignments.append(TaskUpdate.Assignment(piece: assignment.piece, digest: digest, parents: parents))
        }
        member.pending = [:]
        return true
    }

    private func address(of parent: PeerID, in state: borrowing State) -> (url: String, key: PeerKey)? {
        if parent == seed.id { return ("", seed.key) }
        return state.members[parent].map { ($0.session.url, $0.session.key) }
    }

    private static func digests(of pieces: PieceSet, in file: PieceFile) -> [PieceIndex: Digest] {
        var digests: [PieceIndex: Digest] = [:]
        for piece in pieces { digests[piece] = file.digest(of: piece) }
        return digests
    }

    /// Changes the state, lets the scheduler decide what follows, and tells everybody concerned.
    private func change(_ body: (inout State) -> Void) {
        let sessions = state.withLock { state in
            body(&state)
            return Self.schedule(&state)
        }
        for session in sessions { session.notify(id) }
    }

    private static func schedule(_ state: inout State) -> [PeerSession] {
        let output = state.scheduler.schedule(now: .now, using: &state.random)
        var concerned: Set<PeerID> = []
        for cancellation in output.cancellations {
            concerned.insert(cancellation.peer)
            if state.members[cancellation.peer]?.pending.removeValue(forKey: cancellation.piece) == nil {
                state.members[cancellation.peer]?.cancelled.append(cancellation.piece)
            }
        }
        for assignment in output.assignments {
            concerned.insert(assignment.peer)
            state.members[assignment.peer]?.pending[assignment.piece] = assignment
        }
        return concerned.compactMap { state.members[$0]?.session }
    }
}

// MARK: - Looking in

extension SwarmTask {
    /// The scheduler looks for transfers that take too long.
    func tick() {
        change { _ in }
    }

    var listing: TaskListing {
        state.withLock { state in
            var listing = TaskListing(task: id, state: "waiting")
            listing.generation = state.generation
            listing.url = state.record?.url?.withoutQuery
            listing.digest = state.record?.digest
            listing.peers = state.members.count
            if let file = state.file {
                listing.state = file.isWhole && state.isVerified ? "complete" : "running"
                listing.length = file.layout.length
                listing.pieceSize = file.layout.pieceSize
                listing.pieces = file.layout.pieceCount
                listing.piecesHeld = file.committed.count
                listing.bytesHeld = file.bytesCommitted
            }
            if case .failed(let error) = state.phase {
                listing.state = "failed"
                listing.error = error
            }
            return listing
        }
    }
}
