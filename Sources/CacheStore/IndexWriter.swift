internal import Content
internal import Logging
internal import Synchronization

/// Writes the index behind its users' backs: a change costs its caller an append to a list.
///
/// Whatever has gathered while one transaction was written makes the next. Changes that can not be written (a full disk)
/// are kept and tried again with the next one, so what is in memory stays the truth.
final class IndexWriter: Sendable {
    fileprivate struct Pending {
        var changes: [IndexChange] = []
        var waiters: [CheckedContinuation<Result<Void, StoreError>, Never>] = []
        var isScheduled = false
        /// The batch that has left `changes` and is not in the database yet.
        var writing: [IndexChange] = []
        var isClosed = false
        /// The pieces of some tasks that were asked for, as they stand now.
        var known: [Int64: [PieceIndex: PieceCheck]] = [:]
        /// Grows with every change of any task's pieces.
        var pieceChanges = 0
    }

    /// Of so many tasks at most: what is asked for again and again is there already.
    private static let mostKnown = 64

    let index: StoreIndex
    private let pending = Mutex(Pending())
    private let thread = WorkerThreads(count: 1, bufferSize: 0)
    private let logger: Logger
    private let faults: FaultPoints

    init(index: StoreIndex, logger: Logger, faults: FaultPoints) {
        self.index = index
        self.logger = logger
        self.faults = faults
    }

    /// All of them go into the same transaction.
    func append(_ changes: [IndexChange]) {
        let schedule = pending.withLock { pending in
            guard !pending.isClosed, !changes.isEmpty else { return false }
            pending.changes.append(contentsOf: changes)
            for change in changes { pending.note(change) }
            defer { pending.isScheduled = true }
            return !pending.isScheduled
        }
        if schedule { thread.submit { _ in self.writePending() } }
    }

    /// Waits until every change so far is in the database; throws if they can not be written.
    func flush() async throws(StoreError) {
        let result: Result<Void, StoreError> = await withCheckedContinuation { continuation in
            pending.withLock { $0.waiters.append(continuation) }
            thread.submit { _ in self.writePending() }
        }
        try result.get()
    }

    /// Same as ``flush()`` for those that may block their thread; at once where nothing is pending.
    func flushBlocking() throws(StoreError) {
        guard pending.withLock({ !$0.changes.isEmpty || !$0.writing.isEmpty }) else { return }
        let done = Gate<Result<Void, StoreError>>()
        thread.submit { _ in
            let result = Result { () throws(StoreError) in try self.writeBatch() }
            return { done.open(with: result) }
        }
        try done.wait().get()
    }

    /// The checks of a task's committed pieces: those in the index, and those that are on their way there.
    func pieces(of task: Int64) throws(StoreError) -> [PieceIndex: PieceCheck] {
        // Before the read: what is written meanwhile is seen twice rather than not at all.
        let (known, unwritten, seen) = pending.withLock { ($0.known[task], $0.writing + $0.changes, $0.pieceChanges) }
        if let known { return known }
        var pieces = try index.pieces(of: task)
        for change in unwritten {
            switch change {
            case .addPiece(task, let piece, let check): pieces[piece] = check
            case .dropPieces(task, let dropped): for piece in dropped { pieces[piece] = nil }
            default: break
            }
        }
        pending.withLock { [pieces] pending in
            guard pending.pieceChanges == seen else { return }
            // Those that are asked for often are back soon.
            if pending.known.count >= Self.mostKnown { pending.known.removeAll(keepingCapacity: true) }
            pending.known[task] = pieces
        }
        return pieces
    }

    /// Writes what is pending and takes no more.
    func close() async throws(StoreError) {
        defer { pending.withLock { $0.isClosed = true } }
        try await flush()
    }

    private func writePending() -> WorkerThreads.Report {
        let result = Result { () throws(StoreError) in try writeBatch() }
        if case .failure(let error) = result { logger.error("the index is not written: \(error)") }
        let waiters = pending.withLock { pending in
            defer { pending.waiters = [] }
            return pending.waiters
        }
        return { for waiter in waiters { waiter.resume(returning: result) } }
    }

    /// Only ever on the writer's thread.
    private func writeBatch() throws(StoreError) {
        let batch = pending.withLock { pending in
            pending.isScheduled = false
            pending.writing = pending.changes
            pending.changes = []
            return pending.writing
        }
        guard !batch.isEmpty else { return }
        faults.hit("index-before")
        do throws(StoreError) {
            try index.apply(batch)
        } catch {
            pending.withLock { pending in
                pending.changes.insert(contentsOf: batch, at: 0)
                pending.writing = []
            }
            throw error
        }
        pending.withLock { $0.writing = [] }
        faults.hit("index-after")
    }
}

extension IndexWriter.Pending {
    /// What was known of a task's pieces may have changed.
    fileprivate mutating func note(_ change: IndexChange) {
        switch change {
        case .addPiece(let task, _, _), .dropPieces(let task, _), .dropTask(let task):
            known[task] = nil
            pieceChanges += 1
        case .putTask, .putObject, .setLength, .setMetadata, .setLastUsed, .dropObject: break
        }
    }
}
