package import Content
internal import Glibc
internal import Synchronization

/// The bytes of one generation of one task, arriving or complete.
///
/// One descriptor, the set of committed pieces and their checks. The file lives in a ``CacheStore`` or beside the
/// output of a download (``TargetFile``). Holding the object keeps its bytes from being evicted; letting go of it closes
/// the descriptor. Only committed bytes can be read, but for those of ``readEarly(_:into:)``.
package final class PieceFile: Sendable {
    /// The task.
    package let task: TaskID
    /// The version of its content.
    package let generation: Generation
    /// For `sendfile`; valid as long as the object lives.
    package let descriptor: Int32

    /// Whether it was complete when it was opened: its bytes stay what they are.
    package let isReadOnly: Bool
    let journal: (any PieceJournal)?
    /// The store's; nil where pieces have digests only.
    let codes: PieceCodes?
    let threads: WorkerThreads
    let faults: FaultPoints
    let state: Mutex<PieceFileState>
    let seal = Mutex<FileStamp?>(nil)
    let written = Atomic<Int64>(0)

    /// Takes over `descriptor`; `checks` are those of the committed pieces, `foreign` those of another generation's that may
    /// be this one's too.
    ///
    /// With `makesDigests` or without `codes`, pieces get digests from the start.
    init(
        task: TaskID,
        generation: Generation,
        layout: PieceLayout,
        descriptor: Int32,
        checks: [PieceIndex: PieceCheck],
        foreign: [PieceIndex: PieceCheck] = [:],
        contentHash: Digest.Algorithm?,
        isReadOnly: Bool,
        journal: (any PieceJournal)?,
        codes: PieceCodes? = nil,
        makesDigests: Bool = true,
        threads: WorkerThreads,
        faults: FaultPoints = .none
    ) {
        self.task = task
        self.generation = generation
        self.descriptor = descriptor
        self.isReadOnly = isReadOnly
        self.journal = journal
        self.codes = codes
        self.threads = threads
        self.faults = faults
        state = Mutex(
            PieceFileState(layout: layout, checks: checks, foreign: foreign, makesDigests: makesDigests || codes == nil)
        )
        if let contentHash { startContentHash(contentHash) }
    }

    deinit {
        close(descriptor)
        journal?.closed()
    }

    /// How the content is cut into pieces.
    package var layout: PieceLayout { state.withLock { $0.layout } }
    /// The pieces whose bytes are verified.
    package var committed: PieceSet { state.withLock { $0.committed } }
    /// The digest of a committed piece, where it has one (``makeDigests()``).
    package func digest(of piece: PieceIndex) -> Digest? { state.withLock { $0.checks[piece]?.digest } }
    /// The digests of the committed pieces that have one.
    package var pieceDigests: [PieceIndex: Digest] { state.withLock { $0.checks.compactMapValues(\.digest) } }
    /// What the committed pieces are compared with.
    var checks: [PieceIndex: PieceCheck] { state.withLock { $0.checks } }
    /// The number of bytes in committed pieces.
    package var bytesCommitted: Int64 { state.withLock { $0.bytesCommitted } }
    /// How many bytes have been handed to ``write(_:at:)`` so far: it grows as long as anything arrives.
    package var bytesArrived: Int64 { written.load(ordering: .relaxed) }
    /// Whether the length is known and every piece committed.
    package var isWhole: Bool { state.withLock { $0.isWhole } }
    /// Why the download that fills the file has ended without success.
    package var failure: StoreError? { state.withLock { $0.failure } }

    /// The length has become known; where it is known already, it must be the same.
    package func learn(length: Int64) throws(StoreError) {
        let (isNew, readers) = try state.withLock { $0.learn(length: length) }.get()
        guard isNew else { return }
        journal?.learned(length: length)
        for (reader, range) in readers { reader.resume(returning: .success(.committed(range))) }
        for algorithm in contentAlgorithms { followContent(algorithm) }
    }

    /// Takes bytes at their offset in the content; on any thread.
    ///
    /// `source`: who sent them. Those of other nodes are nobody's before their piece is committed.
    /// They are on disk once their piece is committed; until then some may wait in memory for those behind them.
    /// Bytes that fall into a piece that is committed or being hashed are skipped. Bytes beyond the content's length are
    /// an error, as is a full disk (here or of ``commit(_:expecting:)``), and nothing that was committed is harmed by either.
    package func write(
        _ bytes: UnsafeRawBufferPointer,
        at offset: Int64,
        from source: ByteSource = .other
    ) throws(StoreError) {
        guard !isReadOnly else { throw StoreError(.readOnly, "the content is complete and can not be written") }
        guard let range = ByteRange(offset: offset, count: Int64(bytes.count)), range.end < .max / 2 else {
            throw StoreError(.outOfRange, "\(bytes.count) bytes at \(offset)")
        }
        try reserve(upTo: range.end)
        defer { written.add(range.count, ordering: .relaxed) }
        var rest = bytes
        var offset = offset
        while !rest.isEmpty {
            let step = try state.withLock { $0.nextWrite(rest, at: offset, from: source) }.get()
            if let write = step.write {
                var isWritten = false
                defer { end(write, succeeded: isWritten) }
                if let block = write.block {
                    try self.write(block)
                } else {
                    let part = UnsafeRawBufferPointer(rebasing: rest[..<step.count])
                    try FileAccess.write(part, at: offset, to: descriptor)
                }
                isWritten = true
                faults.hit("written")
            }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(step.count))
            offset += Int64(step.count)
        }
    }

    private func end(_ write: PieceFileState.PendingWrite, succeeded: Bool) {
        let ended = state.withLock { $0.endWrite(write, succeeded: succeeded) }
        if ended.isAwaited { submitHash(PieceIndex(write.piece)) }
        for (reader, range) in ended.readers { reader.resume(returning: .success(.early(range))) }
    }

    func write(_ block: WriteBlock) throws(StoreError) {
        try FileAccess.write(block.bytes, at: block.offset, to: descriptor)
    }

    /// Takes the committed pieces back until ``confirm(_:_:)``: whoever named their digests may not speak for the content
    /// any longer.
    ///
    /// Until then they are neither read nor served. Complete content is never doubted.
    package func doubt() {
        guard !isReadOnly else { return }
        state.withLock { $0.doubt() }
    }

    /// Takes the doubt back: what was committed counts again, but no other generation's pieces.
    package func trust() {
        for (piece, check) in state.withLock({ $0.trusted() }) { _ = confirm(piece, check) }
    }

    /// The content has a piece with this digest.
    ///
    /// Returns whether it is here: committed already, or doubted and now committed again. A piece with another
    /// digest is forgotten.
    package func confirm(_ piece: PieceIndex, _ digest: Digest) -> Bool {
        guard !isReadOnly else { return self.digest(of: piece) == digest }
        return confirm(piece, .digest(digest))
    }

    private func confirm(_ piece: PieceIndex, _ check: PieceCheck) -> Bool {
        guard let outcome = state.withLock({ $0.confirm(piece, check) }) else { return false }
        if outcome.isForeign, let range = layout.range(of: piece) {
            journal?.committed(piece, check, byteCount: range.count)
        }
        for observer in outcome.observers { observer(piece, check) }
        for (reader, range) in outcome.readers { reader.resume(returning: .success(.committed(range))) }
        for algorithm in contentAlgorithms { followContent(algorithm) }
        return true
    }

    /// While the length is unknown, room is taken in steps before it is written to.
    private func reserve(upTo end: Int64) throws(StoreError) {
        guard let journal else { return }
        let goal: Int64? = state.withLock {
            guard $0.layout.length == nil, end > $0.reservedEnd else { return nil }
            return (end / Self.growth + 1) * Self.growth
        }
        guard let goal else { return }
        do throws(StoreError) {
            try journal.reserve(upTo: goal)
            state.withLock { $0.reservedEnd = max($0.reservedEnd, goal) }
        } catch {
            // What is really needed may still fit.
            try journal.reserve(upTo: end)
            state.withLock { $0.reservedEnd = max($0.reservedEnd, end) }
        }
    }

    private static let growth: Int64 = 16 << 20

    /// Makes the download's failure known: who waits for bytes gets it, and so does whoever writes on.
    ///
    /// What is committed stays readable.
    package func fail(_ error: StoreError) {
        for reader in state.withLock({ $0.fail(error) }) { reader.resume(returning: .failure(error)) }
    }

    /// Another attempt fills the file.
    func clearFailure() { state.withLock { $0.failure = nil } }

    /// Remembers how the file looks on disk now, for ``isUnchanged``.
    func remember(_ stamp: FileStamp?) { seal.withLock { $0 = stamp } }

    /// Whether nobody has written to the file since it was complete, as far as `fstat` can tell.
    ///
    /// To be asked before bytes of a file outside the store are handed to others. True as long as the file is not
    /// complete.
    package var isUnchanged: Bool {
        guard let stamp = seal.withLock({ $0 }) else { return true }
        return (try? FileStamp(descriptor: descriptor)) == stamp
    }
}

/// Who sent bytes that are being written to a file.
package enum ByteSource: Sendable {
    /// The content's origin, to this node itself.
    case origin
    /// Another node or a client, whose bytes are worth nothing before they are verified.
    case other
}
