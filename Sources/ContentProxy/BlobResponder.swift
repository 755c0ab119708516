import BackendAPI
import CacheStore
import Content
import HTTPService
import HTTPTypes
import Hummingbird
import OriginFetch
import PeerEngine
import WireAPI

/// Answers requests for blobs from the swarm, streamed while they arrive.
struct BlobResponder: Sendable {
    private let engine: PeerEngine
    private let patience: Duration
    private let patienceWithRegistry: Duration
    private let early: EarlyReading
    private let prefetch: Prefetch
    private let prefetches: Prefetches

    /// `jobs` runs what outlives its request; `early`: when who gets a whole blob gets what is not verified yet.
    init(
        _ configuration: MirrorConfiguration,
        engine: PeerEngine,
        jobs: BackgroundJobs,
        early: EarlyReading = EarlyReading()
    ) {
        self.engine = engine
        self.early = early
        patience = configuration.patience
        patienceWithRegistry = configuration.patienceWithTags
        prefetch = configuration.prefetch
        prefetches = Prefetches(patience: patience, jobs: jobs)
    }

    /// Answers a GET of the blob `digest` at `url`, or a HEAD where the registry can not; nil: the request is to be passed on, as
    /// a HEAD of what is not here.
    ///
    /// Throws where the swarm can not help and nothing has been sent: the request is then to be passed on as well, so that the
    /// client sees the registry's own answer. `credentials` gives fresh ones each time: the first are needed at once, others when
    /// the stream has to change its source.
    func respond(
        to request: Request,
        context: ServiceRequestContext,
        url: ResourceURL,
        digest: Digest,
        credentials: @escaping @Sendable () async throws(DownloadError) -> Credentials
    ) async throws(DownloadError) -> Response? {
        let isLazy = prefetch == .none && Self.asksForPart(request.headers)
        let blob = BlobRequest(url: url, digest: digest, isLazy: isLazy, credentials: credentials)
        let notes = BlobNotes(notes: context.notes, logger: context.logger, url: url)
        context.notes.set(.blob)
        do {
            if request.method == .head { return try await head(blob, request, notes) }
            guard request.method == .get else { return nil }
            return answer(try await start(blob, request, notes), blob, request, notes)
        } catch {
            throw Self.downloadError(error)
        }
    }

    /// From the store, where the content is complete there: the registry, whose word it is, can not be asked.
    private func head(_ blob: BlobRequest, _ request: Request, _ notes: BlobNotes) async throws -> Response? {
        let engine = engine
        let patience = Patience(patienceWithRegistry)
        let reading = try await patience.wait(watching: { 0 }) { () async throws -> BlobReading? in
            guard let held = try await engine.held(try await blob.download(), inOutage: true) else { return nil }
            return try await BlobReading(held)
        }
        guard let reading, let length = reading.length else { return nil }
        notes.begin(reading.download, .hit)
        let representation = Self.representation(length, blob.digest)
        let headers = Self.headers(reading.head, blob.digest, .hit)
        return Response.representation(representation, to: request, content: headers) { _ in ResponseBody() }
    }

    /// Waits for the first bytes: what fails before there is anything to send can still be passed on to the registry.
    private func start(_ blob: BlobRequest, _ request: Request, _ notes: BlobNotes) async throws -> BlobStart {
        // What is here for everybody takes no time, and so nobody's patience.
        if let held = engine.heldAtOnce(DownloadRequest(resource: blob.resource)) {
            let reading = try await BlobReading(held)
            if let length = reading.length {
                let file = reading.head.file
                let whole = FileSlice(descriptor: file.descriptor, range: ByteRange(length: length), owner: file)
                notes.notes.repeatable = RepeatableBody(whole)
            }
            return try await start(reading, blob, request, notes)
        }
        let engine = engine
        let watched = WatchedDownload()
        return try await Patience(patience).wait(watching: { watched.arrived }) {
            try await start(try await watched.read(blob, engine), blob, request, notes)
        }
    }

    private func start(
        _ reading: BlobReading,
        _ blob: BlobRequest,
        _ request: Request,
        _ notes: BlobNotes
    ) async throws -> BlobStart {
        let (download, head) = (reading.download, reading.head)
        let isHit = download.isComplete
        let status = isHit ? CacheStatus.hit : CacheStatus(forward: .miss, isStored: true)
        notes.begin(download, status)
        var range = reading.length.map { ByteRange(length: $0) }
        if let length = reading.length {
            switch Self.representation(length, blob.digest).answer(to: request.method, request.headers) {
            case .whole: reading.want(nil)
            case .partial(let part):
                range = part
                if prefetch == .rest, !isHit { prefetches.keep(download) }
                reading.want(part)
            // No byte is sent.
            default: range = ByteRange(length: 0)
            }
        } else {
            reading.want(nil)
        }
        let headers = Self.headers(head, blob.digest, status)
        // Who gets a part only is not told at the end that its beginning was wrong.
        let isWhole = range == reading.length.map { ByteRange(length: $0) }
        if !isHit, isWhole, range != nil, let opening = await download.opening(of: head) {
            return BlobStart(reading, range: range, first: .opening(opening), headers: headers)
        }
        let offset = range?.offset ?? 0
        let first = try await download.next(head, range, from: offset, early: isWhole ? early : nil)
        return BlobStart(reading, range: range, first: .arrival(first), headers: headers)
    }

    private func answer(_ start: BlobStart, _ blob: BlobRequest, _ request: Request, _ notes: BlobNotes) -> Response {
        guard let length = start.length else {
            return Response(status: .ok, headers: start.headers, body: body(start, blob, notes))
        }
        let representation = Self.representation(length, blob.digest)
        return Response.representation(representation, to: request, content: start.headers) { _ in
            body(start, blob, notes)
        }
    }

    private func body(_ start: BlobStart, _ blob: BlobRequest, _ notes: BlobNotes) -> ResponseBody {
        let (engine, patience, early) = (engine, patience, early)
        return .stream(length: start.range?.count) { stream in
            var run = BlobStream(blob, start, engine: engine, patience: patience, early: early, notes: notes)
            try await run.send(start, to: stream)
        }
    }
}

extension BlobResponder {
    /// Whether a request can be for a part: what it comes to is known once the length is.
    private static func asksForPart(_ headers: HTTPFields) -> Bool {
        guard let range = headers[.range].flatMap({ RangeHeader($0) }) else { return false }
        return range != .from(0)
    }

    private static func representation(_ length: Int64, _ digest: Digest) -> Representation {
        Representation(length: length, entityTag: EntityTag(parsing: "\"\(digest)\""))
    }

    private static func headers(_ head: TaskDownload.Head, _ digest: Digest, _ status: CacheStatus) -> HTTPFields {
        var headers = HTTPFields(describing: head.record)
        headers[.contentType] = headers[.contentType] ?? "application/octet-stream"
        headers.set("Docker-Content-Digest", digest.description)
        headers.set(status)
        return headers
    }

    static func downloadError(_ error: any Error) -> DownloadError {
        switch error {
        case let error as DownloadError: error
        case let error as StoreError: DownloadError(error)
        case is Stalled: DownloadError(.originUnreachable, BlobNotes.text(error))
        case is CancellationError: DownloadError(.cancelled, "the client has gone")
        default: DownloadError(.internalError, "\(error)")
        }
    }
}
