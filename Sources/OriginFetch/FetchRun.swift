import BackendAPI
import CacheStore
package import Content
import NodeConfig
import Synchronization

/// The state of one fetch that its requests share.
///
/// Its methods are called by sinks, on the transport's thread.
final class FetchRun: Sendable {
    let request: OriginRequest
    private let destination: any FetchDestination
    private let configuration: OriginFetchConfiguration
    /// Told once, when the origin has answered and there is a file to fill.
    private let started: @Sendable (PieceFile, OriginRecord) -> Void
    /// Pieces whose bytes are all there, to be hashed and committed.
    let written: AsyncStream<PieceIndex>
    private let writtenInput: AsyncStream<PieceIndex>.Continuation
    private let state: Mutex<State>

    struct State {
        var file: PieceFile?
        var record: OriginRecord?
        var plan: SegmentPlan?
        var rangesSupported = false
        var unchanged: ContentHead?
        /// An earlier fetch's record, until the origin has confirmed that its version is current.
        var unconfirmed: OriginRecord?
    }

    init(
        request: OriginRequest,
        destination: any FetchDestination,
        configuration: OriginFetchConfiguration,
        started: @escaping @Sendable (PieceFile, OriginRecord) -> Void
    ) {
        self.request = request
        self.destination = destination
        self.configuration = configuration
        self.started = started
        (written, writtenInput) = AsyncStream.makeStream(of: PieceIndex.self)
        state = Mutex(State())
    }

    var file: PieceFile? { state.withLock { $0.file } }
    var record: OriginRecord? { state.withLock { $0.record } }
    /// What another run of the same fetch can go on with.
    var part: FetchedPart? {
        state.withLock { state in
            guard let file = state.file, let record = state.record else { return nil }
            return FetchedPart(file: file, record: record, isConfirmed: state.unconfirmed == nil)
        }
    }
    /// Whether the origin has told of the content that is being fetched.
    var isConfirmed: Bool { part?.isConfirmed == true }
    var rangesSupported: Bool { state.withLock { $0.rangesSupported } }
    /// The head of a 304, when the request asked whether the content had changed.
    var unchanged: ContentHead? { state.withLock { $0.unchanged } }

    /// Whether more requests may run beside the first one.
    var canRunInParallel: Bool {
        state.withLock { $0.rangesSupported && $0.record?.canBeContinued == true }
    }

    /// Whether something is still to be asked for, wanted or not.
    var isUnfinished: Bool { state.withLock { $0.plan?.isEmpty == false } }

    /// Whether anything that is wanted is still to be asked for; nil: all is wanted.
    func hasNextSegment(of wanted: PieceSet?) -> Bool { state.withLock { $0.plan?.has(wanted) == true } }

    /// What the next request is to ask for.
    func nextSegment(of wanted: PieceSet?) -> Segment? {
        state.withLock { $0.plan?.next(of: wanted) }.map { Segment(range: $0) }
    }

    /// A piece's bytes are all written.
    func pieceWritten(_ piece: PieceIndex) { writtenInput.yield(piece) }

    /// No more pieces will be written.
    func finishWriting() { writtenInput.finish() }

    /// Goes on with what is there.
    func adopt(_ part: FetchedPart) {
        state.withLock { state in
            state.file = part.file
            state.record = part.record
            state.unconfirmed = part.isConfirmed ? nil : part.record
            state.rangesSupported = true
            state.plan = plan(for: part.file, taken: nil)
        }
    }

    private func plan(for file: PieceFile, taken: ByteRange?) -> SegmentPlan {
        SegmentPlan(
            layout: file.layout,
            committed: file.committed,
            taken: taken,
            segmentSize: configuration.segment.bytes,
            parallel: configuration.parallel
        )
    }

    /// The head of a response to `segment`.
    ///
    /// The first one makes the file; every other one must fit it.
    func begin(_ head: ContentHead, for segment: Segment) throws {
        if head.notModified {
            state.withLock { $0.unchanged = head }
            return
        }
        guard (head.range?.offset ?? 0) == segment.position else {
            guard head.range == nil else {
                throw BackendError(.protocolViolation, "the origin answered with other bytes than were asked for")
            }
            throw BackendError(.rangeNotSupported, "the origin ignores ranges")
        }
        segment.limit(to: head.range, length: head.length ?? file?.layout.length)
        if let file {
            try check(head, against: file)
            try confirm(head, file)
        } else {
            guard head.range == nil || head.length != nil else {
                // Parts of a whole of unknown size can not be told to be all of it.
                throw BackendError(.rangeNotSupported, "the origin grants ranges but does not tell the length")
            }
            try create(head, for: segment)
        }
    }

    /// The head of content of which only parts are to be fetched: makes the file without a byte for it, or confirms what an
    /// earlier fetch left.
    ///
    /// Returns false where parts of it could not be told from parts of another version.
    func open(_ head: ContentHead) throws -> Bool {
        guard let length = head.length else { return false }
        if let file {
            try check(head, against: file)
            try confirm(head, file)
            return true
        }
        guard record(head).canBeContinued else { return false }
        var head = head
        head.range = nil
        head.acceptsRanges = true
        // An empty segment: nothing is under way.
        try create(head, for: Segment(range: ByteRange(offset: length, count: 0)))
        return true
    }

    /// What an earlier fetch left of private content is gone on with only where the origin shows that it has the same for
    /// these credentials.
    private func confirm(_ head: ContentHead, _ file: PieceFile) throws {
        let confirmed = try state.withLock { state -> OriginRecord? in
            guard let record = state.unconfirmed else { return nil }
            guard record.openAccess || record.describes(head, length: file.layout.length) else {
                throw BackendError(.changedAtOrigin, "the origin does not show that it has the same content")
            }
            return state.unconfirmed.take()
        }
        if let confirmed { started(file, confirmed) }
    }

    private func check(_ head: ContentHead, against file: PieceFile) throws {
        let known = state.withLock { $0.record }
        if let length = head.length, let expected = file.layout.length, length != expected {
            throw BackendError(.changedAtOrigin, "the content's length changed from \(expected) to \(length) bytes")
        }
        guard let known, known.digest == nil else { return }
        guard known.validators.entityTag == head.validators.entityTag,
            known.validators.lastModified == head.validators.lastModified
        else { throw BackendError(.changedAtOrigin, "the content changed at the origin") }
    }

    private func create(_ head: ContentHead, for segment: Segment) throws {
        let record = record(head)
        guard record.canBeContinued || head.range == nil || head.range?.end == head.length else {
            // The rest might be another version's, and nobody would know: all of it in one answer, then.
            throw BackendError(.rangeNotSupported, "the origin grants ranges but can not say of which version")
        }
        let generation = Generation.of(record, length: head.length)
        let layout = PieceLayout(length: head.length)
        let file = try destination.create(record, generation: generation, layout: layout)
        state.withLock { state in
            state.file = file
            state.record = record
            state.rangesSupported = head.range != nil || head.acceptsRanges
            guard head.length != nil else { return }
            // The segment under way brings this much; whoever runs beside it starts behind.
            let coming = segment.rest ?? head.length.map { ByteRange(length: $0) }
            state.plan = plan(for: file, taken: coming)
        }
        started(file, record)
    }

    private func record(_ head: ContentHead) -> OriginRecord {
        let now = UnixTime.now()
        return OriginRecord(
            url: request.resource.url,
            digest: request.resource.digest ?? head.digest,
            validators: head.validators,
            freshUntil: head.freshness.freshUntil(now: now),
            generatedAt: now - head.age.seconds,
            headers: head.headers,
            openAccess: request.credentials.isEmpty
        )
    }
}

/// What there is of one version of the content, for another run to go on with.
struct FetchedPart: Sendable {
    let file: PieceFile
    let record: OriginRecord
    /// Whether this fetch has heard from the origin that it has this version; otherwise an earlier one left it.
    var isConfirmed = false
}

extension Generation {
    /// The generation of content that an origin described so: by digest, by strong validator, or by chance.
    package static func of(_ record: OriginRecord, length: Int64?) -> Generation {
        if let digest = record.digest { return Generation(content: digest) }
        if let validator = record.validators.strong { return Generation(length: length, validator: validator) }
        var generator = SystemRandomNumberGenerator()
        return Generation(
            length: length,
            nonce: (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        )
    }
}
