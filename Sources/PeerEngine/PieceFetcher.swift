import CacheStore
import Content
import CurlTransport
import FoundationEssentials
import RateLimiting
import WireAPI

/// Somebody to fetch pieces of one task from.
struct Parent: Sendable, Hashable {
    let peer: PeerID
    /// `http://address:port`.
    let url: String
    let ticket: String
    let isSupernode: Bool
}

/// Fetches pieces from parents.
struct PieceFetcher: Sendable {
    let transport: CurlTransport
    let options: TransferOptions
    let limits: NodeLimits

    /// A transfer that came to nothing.
    struct Failure: Error, Sendable {
        let reason: TaskReport.Reason
        let message: String
        /// What kept this node itself from taking the piece.
        var storage: StoreError?

        /// Whether no other piece and no other parent would do any better.
        var isFinal: Bool {
            guard let code = storage?.code else { return false }
            return [.diskFull, .quotaExceeded, .readOnly].contains(code) || code.errno != nil
        }
    }

    /// How far a transfer has come.
    enum Moment: Sendable {
        /// Its first byte is here; the request has waited in line for so long.
        case began(queued: Duration)
        /// At its rate the last byte comes within the lead.
        ///
        /// Not of a piece that comes faster than that as a whole: calls would only come one upon the other.
        case ending
        /// Its last byte is here, so long after the first.
        case received(after: Duration)
    }

    /// Fetches one piece into its place and commits it if its SHA-256 is `digest`.
    ///
    /// `limit`: what the download keeps besides the node's limits.
    /// `reached` is called on the transport's thread.
    func fetch(
        _ piece: PieceIndex,
        of task: TaskID,
        _ generation: Generation,
        digest: Digest,
        from parent: Parent,
        into file: PieceFile,
        limit: RateLimiter? = nil,
        lead: Duration = .zero,
        reached: @escaping @Sendable (Moment) -> Void = { _ in }
    ) async throws(Failure) {
        guard let range = file.layout.range(of: piece) else {
            throw Failure(reason: .local, message: "piece \(piece) lies behind the end")
        }
        var request = TransferRequest(url: parent.url + APIPath.piece(task, generation, piece))
        request.options = options
        request.options.rateLimits += limits.downloads(of: task) + (limit.map { [$0] } ?? [])
        request.headers[APIField.ticket] = parent.ticket
        let sink = PieceSink(file: file, range: range, lead: lead, reached: reached)
        do throws(TransferError) {
            _ = try await transport.perform(request, into: sink)
        } catch {
            throw Self.failure(error)
        }
        reached(.received(after: sink.duration))
        do throws(StoreError) {
            _ = try await file.commit(piece, expecting: digest)
        } catch {
            guard error.code != .digestMismatch else { throw Failure(reason: .wrongBytes, message: error.message) }
            throw Failure(reason: .local, message: error.message, storage: error)
        }
    }

    /// Asks a parent which pieces it holds.
    func holdings(of task: TaskID, _ generation: Generation, at parent: Parent) async -> PieceSet? {
        var request = TransferRequest(url: parent.url + APIPath.pieces(task, generation))
        request.options = options
        request.options.totalTimeout = .seconds(5)
        request.headers[APIField.ticket] = parent.ticket
        guard let response = try? await transport.send(request, limit: 1 << 20), response.head.status == 200 else {
            return nil
        }
        return (try? JSONDecoder().decode(Holdings.self, from: Data(response.body)))?.pieces
    }

    /// The content's first bytes as they come to the supernode, unverified; nil if it does not give them.
    func opening(of task: TaskID, _ generation: Generation, at supernode: Parent) async -> [UInt8]? {
        var request = TransferRequest(url: supernode.url + APIPath.opening(task, generation))
        request.options = options
        request.options.rateLimits += limits.downloads(of: task)
        request.headers[APIField.ticket] = supernode.ticket
        guard let response = try? await transport.send(request, limit: Int(Opening.byteCount)),
            response.head.status == 200, response.body.count == Int(Opening.byteCount)
        else { return nil }
        return response.body
    }

    private static func failure(_ error: TransferError) -> Failure {
        if let cause = error.cause as? Failure { return cause }
        if let cause = error.cause as? StoreError {
            return Failure(reason: .local, message: cause.message, storage: cause)
        }
        return switch error.code {
        case .timedOut, .tooSlow: Failure(reason: .timedOut, message: error.message)
        case .cancelled: Failure(reason: .local, message: "given up")
        default: Failure(reason: .unreachable, message: error.message)
        }
    }
}

/// Writes a piece's bytes to their place.
///
/// `@unchecked`: what changes is touched by the transport's thread alone, which calls the methods one after the other, and
/// after the transfer's end by whoever waited for that.
private final class PieceSink: TransferSink, @unchecked Sendable {
    private let file: PieceFile
    private let range: ByteRange
    private let lead: Duration
    private let reached: @Sendable (PieceFetcher.Moment) -> Void
    private var position: Int64
    private var start: ContinuousClock.Instant?
    private var queued = Duration.zero
    private var isEnding = false

    init(file: PieceFile, range: ByteRange, lead: Duration, reached: @escaping @Sendable (PieceFetcher.Moment) -> Void)
    {
        self.file = file
        self.range = range
        self.lead = lead
        self.reached = reached
        position = range.offset
    }

    func receive(head: TransferHead) throws {
        switch head.status {
        case 200: break
        case 409: throw PieceFetcher.Failure(reason: .generation, message: "the parent is at another generation")
        default: throw PieceFetcher.Failure(reason: .refused, message: "the parent answered \(head.status)")
        }
        guard head.contentLength == range.count else {
            throw PieceFetcher.Failure(reason: .wrongBytes, message: "the parent has another length for the piece")
        }
        queued = QueueTiming.queued(head.fields)
    }

    func receive(_ bytes: UnsafeRawBufferPointer, control: TransferControl) throws -> SinkResult {
        guard position + Int64(bytes.count) <= range.end else {
            throw PieceFetcher.Failure(reason: .wrongBytes, message: "the parent sent too much")
        }
        try file.write(bytes, at: position)
        position += Int64(bytes.count)
        notice()
        return .consumed
    }

    /// How long the body took so far.
    var duration: Duration { start?.duration(to: .now) ?? .zero }

    private func notice() {
        guard let start else {
            start = .now
            reached(.began(queued: queued))
            return
        }
        guard !isEnding else { return }
        let spent = start.duration(to: .now)
        let left = spent * (Double(range.end - position) / Double(max(1, position - range.offset)))
        guard left < lead else { return }
        isEnding = true
        if spent + left > lead { reached(.ending) }
    }
}
