package import Content

/// A node's call for all its tasks: `POST /api/v1/peers/{peer}/exchange`, answered as soon as there is something to
/// say.
///
/// A newer call supersedes the one that waits, which then returns at once.
package struct ExchangeRequest: Sendable, Codable {
    /// Counts the peer's calls, from 1.
    package var sequence: UInt64
    /// Calls that the peer has not seen answered yet: what their answers carry is not lost.
    package var open: [UInt64]
    /// How long the answer may take while there is nothing to say, in milliseconds.
    package var waitMilliseconds: Int
    /// News of the tasks; tasks without news that nothing is outstanding for may be left out.
    package var tasks: [TaskReport]

    package init(sequence: UInt64, open: [UInt64], waitMilliseconds: Int, tasks: [TaskReport]) {
        self.sequence = sequence
        self.open = open
        self.waitMilliseconds = waitMilliseconds
        self.tasks = tasks
    }
}

/// A peer's news of one task.
package struct TaskReport: Sendable, Codable {
    package var task: TaskID
    package var generation: Generation
    /// Pieces committed since the last call that was answered.
    package var finished: [FinishedPiece]
    /// Transfers that failed since then.
    package var failed: [FailedPiece]
    /// Every assignment under way or waiting at the peer.
    package var outstanding: PieceSet
    /// Those of them whose last byte is about to come: their parents are free soon.
    package var ending: PieceSet
    /// Those whose parents have not begun to send them in good time.
    package var late: PieceSet
    /// How many assignments the peer will have at a time, those outstanding included; 0 for a peer that only seeds.
    package var window: Int
    /// The piece that a streaming reader needs next.
    package var reader: PieceIndex?
    /// The pieces that the peer wants to have; absent: all.
    ///
    /// Said again in every report, as long as it does not want all.
    package var wanted: PieceSet?
    /// Everything the peer holds, in the first call after a registration.
    package var holds: PieceSet?
    /// The peer neither wants the task nor serves it any longer.
    package var leaving: Bool?

    /// A piece that has been committed.
    package struct FinishedPiece: Sendable, Codable, Hashable {
        package var piece: PieceIndex
        /// Whom it came from; absent when it came from the origin or was there before.
        package var parent: PeerID?
        /// From the body's first byte to its last, in microseconds.
        package var body: Int64?
        /// How long the request waited in line at the parent, in microseconds; absent: not at all.
        package var queued: Int64?

        package init(piece: PieceIndex, parent: PeerID?, body: Int64? = nil, queued: Int64? = nil) {
            self.piece = piece
            self.parent = parent
            self.body = body
            self.queued = queued
        }
    }

    /// A transfer that came to nothing.
    package struct FailedPiece: Sendable, Codable, Hashable {
        package var piece: PieceIndex
        package var parent: PeerID
        package var reason: Reason

        package init(piece: PieceIndex, parent: PeerID, reason: Reason) {
            self.piece = piece
            self.parent = parent
            self.reason = reason
        }
    }

    /// Why a transfer from a parent failed.
    package enum Reason: String, Sendable, Codable, CaseIterable {
        /// No connection, or it broke.
        case unreachable
        /// Nothing came for too long.
        case timedOut
        /// The parent answered that it will not or can not.
        case refused
        /// The parent is at another generation: nobody's fault.
        case generation
        /// The bytes do not have the piece's digest.
        case wrongBytes
        /// The peer itself could not take the piece.
        case local
    }

    package init(
        task: TaskID,
        generation: Generation,
        finished: [FinishedPiece] = [],
        failed: [FailedPiece] = [],
        outstanding: PieceSet = [],
        ending: PieceSet = [],
        late: PieceSet = [],
        window: Int,
        reader: PieceIndex? = nil,
        wanted: PieceSet? = nil,
        holds: PieceSet? = nil,
        leaving: Bool? = nil
    ) {
        self.task = task
        self.generation = generation
        self.finished = finished
        self.failed = failed
        self.outstanding = outstanding
        self.ending = ending
        self.late = late
        self.window = window
        self.reader = reader
        self.wanted = wanted
        self.holds = holds
        self.leaving = leaving
    }
}

/// The answer to an exchange.
package struct ExchangeResponse: Sendable, Codable {
    /// The call it answers.
    package var sequence: UInt64
    package var tasks: [TaskUpdate]

    package init(sequence: UInt64, tasks: [TaskUpdate]) {
        self.sequence = sequence
        self.tasks = tasks
    }
}

/// A supernode's news of one task for one peer.
package struct TaskUpdate: Sendable, Codable {
    package var task: TaskID
    package var generation: Generation
    package var state: State
    /// Why the task failed.
    package var error: WireError?
    /// The content's length once it is known.
    package var length: Int64?
    /// The content's digest once it is known.
    package var digest: Digest?
    /// Piece digests that the peer has not been told yet.
    package var manifest: ManifestEntries?
    /// The parents that ``assignments`` speak of.
    package var parents: [Parent]
    package var assignments: [Assignment]
    /// Assignments to give up.
    package var cancelled: [PieceIndex]

    /// How the task stands at the supernode.
    package enum State: String, Sendable, Codable, CaseIterable {
        /// On its way from the origin, or complete.
        case running
        /// The origin has another version: join again for the new generation.
        case changed
        /// The supernode does not know the task or the peer's part in it: join again.
        case unknown
        /// The content can not be had; see ``TaskUpdate/error``.
        case failed
    }

    /// Somebody to fetch pieces from.
    package struct Parent: Sendable, Codable, Hashable {
        package var peer: PeerID
        /// `http://address:port`; empty for the supernode itself, which the peer knows how to reach.
        package var url: String
        /// The permission to fetch pieces of this task from this parent.
        package var ticket: String

        package init(peer: PeerID, url: String, ticket: String) {
            self.peer = peer
            self.url = url
            self.ticket = ticket
        }
    }

    /// A piece to fetch.
    package struct Assignment: Sendable, Codable, Hashable {
        package var piece: PieceIndex
        /// The piece's SHA-256.
        package var digest: Digest
        /// Positions in ``TaskUpdate/parents``: whom to ask, and whom next if that fails.
        package var parents: [Int]

        package init(piece: PieceIndex, digest: Digest, parents: [Int]) {
            self.piece = piece
            self.digest = digest
            self.parents = parents
        }
    }

    package init(task: TaskID, generation: Generation, state: State = .running) {
        self.task = task
        self.generation = generation
        self.state = state
        parents = []
        assignments = []
        cancelled = []
    }
}
