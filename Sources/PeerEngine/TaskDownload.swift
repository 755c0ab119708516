package import CacheStore
package import Content
import Logging
import Metrics
import NodeConfig
package import OriginFetch
import RateLimiting
import Synchronization
package import WireAPI

/// One task on this node: brings its pieces from parents, the supernode or the origin, and offers them to others
/// afterwards.
///
/// The exchange and the transfers change the state below one lock; ``run(_:)`` acts on the events that follow.
package final class TaskDownload: Sendable {
    package let request: DownloadRequest
    package let taskID: TaskID
    let destination: any DownloadDestination
    let configuration: PeerEngineConfiguration
    private let limiter: RateLimiter
    /// What of the content is wanted here.
    let demand: Demand
    let logger: Logger
    let events: AsyncStream<Event>
    private let eventInput: AsyncStream<Event>.Continuation
    let state: Mutex<State>

    /// What the run loop reacts to.
    enum Event: Sendable {
        /// There may be pieces to fetch, or none missing any more.
        case work
        /// The supernode has another generation or has forgotten this node.
        case rejoin
        /// This supernode does not answer: that can be heard of when another one directs the download already.
        case lost(SupernodeAddress)
        /// The supernode can not get the content.
        case failed(WireError)
        /// This node can not write the content.
        case unwritable(StoreError)
        /// Nobody wants the download any longer.
        case abandoned
        /// The content is here no longer, and the supernode knows.
        case withdrawn
    }

    struct State {
        var connection: SupernodeConnection?
        var file: PieceFile?
        var record: OriginRecord?
        var generation: Generation?
        /// The supernode's word on pieces.
        var digests: [PieceIndex: Digest] = [:]
        /// Committed pieces with the digest that the supernode names.
        var confirmed = PieceSet()
        /// Pieces whose bytes ``bytes`` counts.
        var counted = PieceSet()
        /// Assignments that nobody has been asked for yet.
        var queue: [Assigned] = []
        var active: [PieceIndex: PieceTransfer] = [:]
        /// How long a piece usually takes from the request to its last byte.
        var usualTime: Duration?
        /// How many assignments the supernode was last told that this node takes.
        var toldWindow = 0
        /// Which version of the demand the supernode was last told.
        var toldDemand: UInt64 = 0
        /// Whether an assignment was given up or not taken: less is under way here than the supernode believes.
        var hasDropped = false
        var parents: [PeerID: Parent] = [:]
        /// Where the content's first bytes can be had before the first piece, if nobody has asked yet.
        var opening: OpeningOffer?
        var news = News()
        var sent: [UInt64: News] = [:]
        /// Whether the next call is to tell everything that is held.
        var announcesAll = false
        /// Whether the content has been evicted and is not offered any longer.
        var withdraws = false
        /// Whether it is offered no longer, and nobody needs to be told.
        var isRetired = false
        /// Whether the supernode knows that nothing is wanted any more.
        var toldEnd = false
        var reader: PieceIndex?
        var bytes = ByteOrigins()
        /// How much there was when the origin was asked for the rest, as long as that goes on.
        var originStart: Int64?
        var outcome: Result<ByteOrigins, DownloadError>?
        var headWaiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var endWaiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var waitersSoFar: UInt64 = 0
        var users = 0
        /// Whether it ends because there were none.
        var isGivenUp = false
    }

    /// What the supernode has not been told yet.
    struct News: Sendable {
        var finished: [TaskReport.FinishedPiece] = []
        var failed: [TaskReport.FailedPiece] = []
        var ending = PieceSet()
        var late = PieceSet()
        /// Whether it said that the node no longer takes part.
        var leaving = false

        var isEmpty: Bool { finished.isEmpty && failed.isEmpty && ending.isEmpty && late.isEmpty }
    }

    /// A piece to fetch, and from whom, first to last.
    struct Assigned: Sendable {
        var piece: PieceIndex
        var digest: Digest
        var parents: [Parent]
    }

    init(
        _ request: DownloadRequest,
        taskID: TaskID,
        destination: any DownloadDestination,
        configuration: PeerEngineConfiguration,
        logger: Logger
    ) {
        self.request = request
        self.taskID = taskID
        self.destination = destination
        self.configuration = configuration
        limiter = RateLimiter(bytesPerSecond: request.limit.bytesPerSecond)
        demand = Demand(whole: !request.isLazy)
        self.logger = logger
        (events, eventInput) = AsyncStream.makeStream(of: Event.self)
        state = Mutex(State())
    }

    func post(_ event: Event) { eventInput.yield(event) }
}

// MARK: - What clients see

extension TaskDownload {
    /// What a client needs to begin an answer.
    package struct Head: Sendable {
        package let file: PieceFile
        package let record: OriginRecord
        package var length: Int64? { file.layout.length }
    }

    /// Waits until the content's head is known, or the caller is cancelled.
    ///
    /// `gone`: the head of a version that another one replaces.
    package func head(after gone: Head? = nil) async throws(DownloadError) -> Head {
        await wait(in: \.headWaiters) { $0.file.map { $0 !== gone?.file } ?? false || $0.outcome != nil }
        let (file, record, outcome) = state.withLock { ($0.file, $0.record, $0.outcome) }
        if case .failure(let error)? = outcome { throw error }
        if let file, let record { return Head(file: file, record: record) }
        guard outcome != nil else { throw DownloadError(.cancelled, "cancelled") }
        // Another user's content under the same name may have taken its place.
        guard let (file, record) = destination.complete(), file.generation == generation else {
            throw DownloadError(.internalError, "the content has been evicted already; try again")
        }
        return Head(file: file, record: record)
    }

    /// Waits until the content is complete and verified, or can not be had, or the caller is cancelled.
    ///
    /// Returns where its bytes came from.
    package func completion() async throws(DownloadError) -> ByteOrigins {
        await wait(in: \.endWaiters) { $0.outcome != nil }
        guard let outcome = state.withLock({ $0.outcome }) else { throw DownloadError(.cancelled, "cancelled") }
        return try outcome.get()
    }

    /// How far it is.
    package var progress: (bytes: Int64, length: Int64?, origins: ByteOrigins) {
        state.withLock { state in
            let bytes = state.file?.bytesCommitted ?? 0
            var origins = state.bytes
            if let start = state.originStart { origins.origin += max(0, bytes - start) }
            return (bytes, state.file?.layout.length, origins)
        }
    }

    /// Why it came to nothing; nil if it did not.
    package var failure: DownloadError? {
        state.withLock { state in
            if case .failure(let error)? = state.outcome { error } else { nil }
        }
    }

    /// A client reads in order and needs the byte at `offset` next.
    package func reading(at offset: Int64) {
        state.withLock { state in state.reader = state.file?.layout.piece(at: offset) }
    }

    /// One more client wants the content.
    ///
    /// Returns false if the download has been given up already.
    package func retain() -> Bool {
        state.withLock { state in
            if case .failure? = state.outcome { return false }
            if state.isGivenUp { return false }
            state.users += 1
            return true
        }
    }

    /// A client is done.
    ///
    /// With the last one gone an unfinished download ends; its committed pieces stay.
    package func release() {
        let abandoned = state.withLock { state in
            state.users -= 1
            return state.users == 0 && state.outcome == nil
        }
        if abandoned { post(.abandoned) }
    }

    /// Whether nobody wants the content, so that the download ends; nobody can take part in it from then on.
    func giveUp() -> Bool {
        state.withLock { state in
            if state.users == 0, state.outcome == nil { state.isGivenUp = true }
            return state.isGivenUp
        }
    }

    /// One more client takes part, with a limit of its own: the most patient one holds nobody up.
    func takePart(_ other: DownloadRequest) {
        if !other.isLazy { wantAll() }
        guard let rate = limiter.rate else { return }
        limiter.rate = other.limit.bytesPerSecond.map { max($0, rate) }
    }

    private func wait(
        in waiters: any WritableKeyPath<State, [UInt64: CheckedContinuation<Void, Never>]> & Sendable,
        until isReady: (borrowing State) -> Bool
    ) async {
        let number = state.withLock { state in
            state.waitersSoFar += 1
            return state.waitersSoFar
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waits = state.withLock { state -> Bool in
                    guard !isReady(state), !Task.isCancelled else { return false }
                    state[keyPath: waiters][number] = continuation
                    return true
                }
                if !waits { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0[keyPath: waiters].removeValue(forKey: number) }?.resume()
        }
    }
}

// MARK: - State

extension TaskDownload {
    /// What its transfers keep besides the node's limits.
    var limit: RateLimiter? { limiter.rate == nil ? nil : limiter }
    var file: PieceFile? { state.withLock { $0.file } }
    var record: OriginRecord? { state.withLock { $0.record } }

    /// Whether it only seeds.
    var hasSucceeded: Bool {
        state.withLock { state in
            if case .success? = state.outcome { true } else { false }
        }
    }
    var generation: Generation? { state.withLock { $0.generation } }
    var isDone: Bool { state.withLock { $0.outcome != nil } }

    /// Whether nothing is missing.
    var isWhole: Bool {
        state.withLock { state in
            guard let file = state.file, let count = file.layout.pieceCount, file.isWhole else { return false }
            return state.connection == nil || state.confirmed.count == count
        }
    }

    /// There is a file to fill: whoever waits for the head goes on.
    ///
    /// One of an earlier generation ends its readers.
    func begin(_ file: PieceFile, _ record: OriginRecord, generation: Generation) {
        let (waiters, old) = state.withLock { state -> ([CheckedContinuation<Void, Never>], PieceFile?) in
            let old = state.file === file ? nil : state.file
            if state.generation != generation {
                state.digests = [:]
                state.news = News()
                state.counted = PieceSet()
            }
            state.file = file
            state.record = record
            state.generation = generation
            state.confirmed = PieceSet()
            state.queue = []
            defer { state.headWaiters = [:] }
            return (Array(state.headWaiters.values), old)
        }
        let change = DownloadError(.generationMismatch, "the content changed while it was read")
        old?.fail(StoreError(.failed, "another version is being fetched", cause: change))
        for waiter in waiters { waiter.resume() }
    }

    /// The end, good or bad.
    ///
    /// Only the first one counts.
    func finish(_ outcome: Result<ByteOrigins, DownloadError>) {
        let (waiters, file, connection) = state.withLock {
            state -> ([CheckedContinuation<Void, Never>], PieceFile?, SupernodeConnection?) in
            guard state.outcome == nil else { return ([], nil, nil) }
            state.outcome = outcome
            defer {
                state.headWaiters = [:]
                state.endWaiters = [:]
                // What is complete belongs to the store, which may evict it.
                if case .success = outcome, !destination.keepsFile { state.file = nil }
                state.digests = [:]
                state.parents = [:]
                state.opening = nil
            }
            return (Array(state.headWaiters.values) + Array(state.endWaiters.values), state.file, state.connection)
        }
        connection?.tell()
        if case .failure(let error) = outcome {
            file?.fail(StoreError(.failed, "the download has failed", cause: error))
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Everything is here already.
    func hit(_ file: PieceFile, _ record: OriginRecord) {
        state.withLock { state in
            state.file = file
            state.record = record
            state.generation = file.generation
            state.confirmed = file.committed
            state.bytes.cache = file.bytesCommitted
            state.outcome = .success(state.bytes)
            if !destination.keepsFile, state.users == 0 { state.file = nil }
        }
    }

    /// The content has been evicted: the supernode is told, and then nothing is offered any longer.
    func withdraw() {
        let connection = state.withLock { state in
            state.withdraws = true
            return state.connection
        }
        if let connection { connection.tell() } else { retire() }
    }

    /// The next call tells the supernode everything that is held.
    func announce(to connection: SupernodeConnection) {
        state.withLock { state in
            state.connection = connection
            state.announcesAll = true
        }
    }

    /// A piece has come from a parent.
    func fetched(_ piece: PieceIndex, of file: PieceFile, from parent: Parent) {
        state.withLock { state in
            state.confirmed.insert(piece)
            state.counted.insert(piece)
        }
        count(file.layout.range(of: piece)?.count ?? 0, from: parent.isSupernode ? \.supernode : \.peers)
    }

    /// Where bytes came from, for the summary.
    func count(_ bytes: Int64, from source: WritableKeyPath<ByteOrigins, Int64>) {
        state.withLock { $0.bytes[keyPath: source] += bytes }
        let from = source == \.peers ? "peer" : source == \.supernode ? "supernode" : nil
        if let from { Self.received(from: from).increment(by: bytes) }
    }

    /// Has the counts of what comes from parents begin, so that the first bytes of each are an increase.
    static func beginCounts() {
        for from in ["peer", "supernode"] { received(from: from).increment(by: 0) }
    }

    private static func received(from parent: String) -> Counter {
        Counter(label: "darter_received_bytes_total", dimensions: [("from", parent)])
    }
}
