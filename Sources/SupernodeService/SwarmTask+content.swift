import CacheStore
import Content
import OriginFetch
import SwarmScheduling
import Synchronization
import WireAPI

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
            state.scheduler.join(seed.id, as: .seed, holding: [], labels: PeerLabels(configuration.labels))
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
    static func publishHeldBack(_ state: inout State, seed: PeerID) {
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
