internal import Content

/// What one file's pieces are at: decides, while ``PieceFile`` acts.
///
/// Every method is called with the file's lock held and returns what is to be done once it has been released.
struct PieceFileState {
    typealias RangeReader = CheckedContinuation<Result<Arrival, StoreError>, Never>
    typealias DigestWaiter = CheckedContinuation<Result<Digest, StoreError>, Never>
    typealias CheckWaiter = CheckedContinuation<Result<PieceCheck, StoreError>, Never>
    typealias Observer = @Sendable (PieceIndex, PieceCheck) -> Void

    struct Reader {
        let ticket: UInt64
        let offset: Int64
        /// How many written bytes will do where none is committed; nil: none do.
        let early: Int64?
        let continuation: RangeReader
    }

    struct CommitWaiter {
        let expecting: Digest?
        let continuation: CheckWaiter
    }

    var layout: PieceLayout
    var committed: PieceSet
    /// Those of the committed pieces.
    var checks: [PieceIndex: PieceCheck]
    /// Those of pieces that were committed before it became doubtful that the content has them.
    var doubted: [PieceIndex: PieceCheck] = [:]
    /// Whether others may ask for pieces: those that are committed get digests.
    var makesDigests: Bool
    /// Those of them that were another generation's: the journal does not know them.
    var foreign: PieceSet
    var failure: StoreError?
    /// How many pieces from the first on are committed without a gap.
    var prefix: Int
    /// How many writes are under way in a piece.
    var writes: [Int: Int] = [:]
    /// Bytes of a piece that wait for those behind them; only pieces that take writes have such a block.
    var blocks: [Int: WriteBlock] = [:]
    /// Blocks to be used again.
    var spareBlocks: [WriteBlock] = []
    /// Who waits for a piece to be hashed; such a piece takes no more writes.
    var hashing: [Int: [CommitWaiter]] = [:]
    /// Pieces to be hashed as soon as the last write in them has ended.
    var deferred: Set<Int> = []
    var readers: [Int: [Reader]] = [:]
    /// How far pieces have been written from their first byte on without a gap, by this node's own fetch from the origin alone.
    var begun: [Int: Int64] = [:]
    /// Pieces that others have written to since they were last committed: nothing is known of such bytes before the next commit.
    var mixed: Set<Int> = []
    var contents: [ContentHash] = []
    var observers: [UInt64: Observer] = [:]
    var nextTicket: UInt64 = 0
    /// Room has been reserved up to here while the length is unknown.
    var reservedEnd: Int64 = 0

    init(
        layout: PieceLayout,
        checks: [PieceIndex: PieceCheck],
        foreign: [PieceIndex: PieceCheck],
        makesDigests: Bool
    ) {
        self.layout = layout
        self.checks = checks
        self.makesDigests = makesDigests
        doubted = foreign
        self.foreign = PieceSet()
        for piece in foreign.keys { self.foreign.insert(piece) }
        committed = PieceSet()
        for piece in checks.keys { committed.insert(piece) }
        prefix = committed.contiguousCount()
    }

    var isWhole: Bool { layout.pieceCount.map { committed.count == $0 } ?? false }

    /// The byte behind the last piece of the gapless beginning.
    var prefixEnd: Int64 { end(ofPieces: prefix) }

    private func end(ofPieces count: Int) -> Int64 {
        min(Int64(count) * layout.pieceSize, layout.length ?? .max)
    }

    var bytesCommitted: Int64 {
        var bytes = Int64(committed.count) * layout.pieceSize
        if let length = layout.length, let last = layout.pieceCount.map({ PieceIndex(max(0, $0 - 1)) }),
            committed.contains(last)
        {
            bytes -= Int64(last.value + 1) * layout.pieceSize - length
        }
        return bytes
    }

    // MARK: Length

    /// Returns whether it is news, and which readers learn from it that they are at the end.
    mutating func learn(length: Int64) -> Result<(isNew: Bool, readers: [(RangeReader, ByteRange)]), StoreError> {
        if let known = layout.length {
            guard known == length else {
                return .failure(StoreError(.outOfRange, "the content has \(known) bytes, not \(length)"))
            }
            return .success((false, []))
        }
        guard let new = PieceLayout(length: length, pieceSize: layout.pieceSize) else {
            return .failure(StoreError(.outOfRange, "\(length) is not a length"))
        }
        if let last = committed.last, new.range(of: last)?.count != new.pieceSize {
            return .failure(StoreError(.outOfRange, "more than \(length) bytes have been committed"))
        }
        layout = new
        let count = new.pieceCount ?? 0
        var woken: [(RangeReader, ByteRange)] = []
        for piece in readers.keys where piece >= count {
            for reader in readers.removeValue(forKey: piece) ?? [] {
                woken.append((reader.continuation, ByteRange(reader.offset..<reader.offset)))
            }
        }
        return .success((true, woken))
    }

    // MARK: Doubt

    /// Committed pieces count no longer until somebody confirms their digests; content hashes start over.
    mutating func doubt() {
        doubted.merge(checks) { _, committed in committed }
        checks = [:]
        committed = PieceSet()
        prefix = 0
        begun = [:]
        for index in contents.indices { contents[index].restart() }
    }

    /// Settles what was doubted: the piece is committed with `digest` again, or open to writes.
    ///
    /// Nil where the piece does not have that check; it is forgotten then.
    mutating func confirm(_ piece: PieceIndex, _ check: PieceCheck) -> Committed? {
        if let known = checks[piece] {
            if known == check { return Committed() }
            committed.remove(piece)
            checks[piece] = nil
            prefix = min(prefix, piece.value)
            for index in contents.indices { contents[index].restart() }
            return nil
        }
        guard doubted.removeValue(forKey: piece) == check, hashing[piece.value] == nil else { return nil }
        var outcome = Committed()
        outcome.isForeign = foreign.remove(piece)
        insert(piece, check, &outcome)
        return outcome
    }

    /// The pieces that are right if this generation's are.
    func trusted() -> [PieceIndex: PieceCheck] { doubted.filter { !foreign.contains($0.key) } }

    // MARK: Committing

    enum CommitStep {
        case done(Result<PieceCheck, StoreError>)
        case hash
        case wait
    }

    mutating func beginCommit(_ piece: PieceIndex, _ waiter: CommitWaiter) -> CommitStep {
        if waiter.expecting != nil { makesDigests = true }
        if let check = checks[piece] { return .done(Self.compare(check, waiter.expecting, piece)) }
        if let failure { return .done(.failure(failure)) }
        guard layout.range(of: piece) != nil else {
            return .done(.failure(StoreError(.outOfRange, "piece \(piece) is beyond the content's end")))
        }
        if hashing[piece.value] != nil {
            hashing[piece.value]?.append(waiter)
            return .wait
        }
        hashing[piece.value] = [waiter]
        guard writes[piece.value] == nil else {
            deferred.insert(piece.value)
            return .wait
        }
        return .hash
    }

    /// Whether somebody who committed the piece takes this check for it.
    func accepts(_ check: PieceCheck, for piece: PieceIndex) -> Bool {
        hashing[piece.value]?.contains { $0.expecting.map { .digest($0) == check } ?? true } ?? false
    }

    struct Committed {
        var waiters: [(CheckWaiter, Result<PieceCheck, StoreError>)] = []
        var readers: [(RangeReader, ByteRange)] = []
        var observers: [Observer] = []
        /// Whether the piece is one more for the journal.
        var isForeign = false
    }

    /// Ends the hashing of a piece: it is committed where `accepted`, and open to writes again otherwise.
    mutating func endCommit(
        _ piece: PieceIndex,
        _ result: Result<PieceCheck, StoreError>,
        accepted: Bool
    ) -> Committed {
        var outcome = Committed()
        for waiter in hashing.removeValue(forKey: piece.value) ?? [] {
            outcome.waiters.append(
                (waiter.continuation, result.flatMap { Self.compare($0, waiter.expecting, piece) })
            )
        }
        guard accepted, case .success(let check) = result, !committed.contains(piece) else {
            begun[piece.value] = nil
            return outcome
        }
        insert(piece, check, &outcome)
        return outcome
    }

    private mutating func insert(_ piece: PieceIndex, _ check: PieceCheck, _ outcome: inout Committed) {
        committed.insert(piece)
        checks[piece] = check
        begun[piece.value] = nil
        mixed.remove(piece.value)
        prefix += committed.contiguousCount(from: PieceIndex(prefix))
        for reader in readers.removeValue(forKey: piece.value) ?? [] {
            outcome.readers.append((reader.continuation, run(from: reader.offset)))
        }
        outcome.observers = Array(observers.values)
    }

    /// A code can not be compared: what was expected is still to be asked for.
    private static func compare(
        _ check: PieceCheck,
        _ expected: Digest?,
        _ piece: PieceIndex
    )
        -> Result<PieceCheck, StoreError>
    {
        guard let expected, let digest = check.digest, expected != digest else { return .success(check) }
        return .failure(StoreError(.digestMismatch, "piece \(piece) is \(digest), not \(expected)"))
    }

    // MARK: Reading

    /// The committed bytes from `offset` on without a gap; empty where the piece at `offset` is not committed.
    func run(from offset: Int64) -> ByteRange {
        let piece = layout.piece(at: offset)
        let count = committed.contiguousCount(from: piece)
        return ByteRange(offset..<max(offset, count == 0 ? 0 : end(ofPieces: piece.value + count)))
    }

    /// Nil: the reader waits.
    mutating func read(
        from offset: Int64,
        early: Int64?,
        ticket: UInt64,
        _ continuation: RangeReader
    ) -> Result<Arrival, StoreError>? {
        let run = run(from: offset)
        if !run.isEmpty || layout.length.map({ offset >= $0 }) ?? false { return .success(.committed(run)) }
        if let failure { return .failure(failure) }
        let reader = Reader(ticket: ticket, offset: offset, early: early, continuation: continuation)
        if let early = earlyBytes(for: reader) { return .success(.early(early)) }
        readers[layout.piece(at: offset).value, default: []].append(reader)
        return nil
    }

    mutating func withdraw(_ ticket: UInt64, at offset: Int64) -> RangeReader? {
        let number = layout.piece(at: offset).value
        guard let index = readers[number]?.firstIndex(where: { $0.ticket == ticket }) else { return nil }
        let reader = readers[number]?.remove(at: index)
        if readers[number]?.isEmpty ?? false { readers[number] = nil }
        return reader?.continuation
    }

    /// What a reader may have of the piece at its offset before that is committed, if it is as much as will do.
    ///
    /// Never all of the piece, nor what may be the content's last byte: what follows says whether it was right.
    private func earlyBytes(for reader: Reader) -> ByteRange? {
        guard let least = reader.early else { return nil }
        let piece = layout.piece(at: reader.offset)
        guard let begun = begun[piece.value] else { return nil }
        let most = layout.length == nil ? begun - 1 : min(begun, end(ofPieces: piece.value + 1) - 1)
        return most - reader.offset >= least ? ByteRange(reader.offset..<most) : nil
    }

    /// Those who wait for no more of a piece than has been written.
    mutating func takeEarlyReaders(of piece: Int) -> [(RangeReader, ByteRange)] {
        guard let waiting = readers[piece], waiting.contains(where: { $0.early != nil }) else { return [] }
        let served = waiting.compactMap { reader in
            earlyBytes(for: reader).map { (reader.ticket, reader.continuation, $0) }
        }
        for (ticket, _, range) in served { _ = withdraw(ticket, at: range.offset) }
        return served.map { ($1, $2) }
    }

    /// Whether these bytes of one piece are this node's own fetch's, though the piece is not committed.
    func isEarly(_ range: ByteRange) -> Bool {
        begun[layout.piece(at: range.offset).value].map { range.end <= $0 } ?? false
    }

    func isCommitted(_ range: ByteRange) -> Bool {
        guard !range.isEmpty else { return true }
        return run(from: range.offset).contains(range)
    }

    mutating func takeTicket() -> UInt64 {
        nextTicket += 1
        return nextTicket
    }

    // MARK: Failure

    mutating func fail(_ error: StoreError) -> [RangeReader] {
        guard failure == nil else { return [] }
        failure = error
        defer { readers = [:] }
        return readers.values.flatMap { $0.map(\.continuation) }
    }
}
