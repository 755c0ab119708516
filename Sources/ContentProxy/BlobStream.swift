import BackendAPI
import CacheStore
import Content
import HTTPService
import PeerEngine
import WireAPI

/// Sends one blob, or a part of it, to one client, from whatever source still gives it.
///
/// Whoever gets the whole gets its last byte only once all of it has proved right.
struct BlobStream {
    let blob: BlobRequest
    let engine: PeerEngine
    let patience: Duration
    let notes: BlobNotes
    /// What is sent; nil: all of content whose length nobody knows.
    let range: ByteRange?
    let length: Int64?
    /// The next byte that is needed.
    var position: Int64
    var sent = SentParts()
    var direct: DirectProgress?

    init(_ blob: BlobRequest, _ start: BlobStart, engine: PeerEngine, patience: Duration, notes: BlobNotes) {
        self.blob = blob
        self.engine = engine
        self.patience = patience
        self.notes = notes
        range = start.range
        length = start.length
        position = start.range?.offset ?? 0
    }

    /// Whether it is all of the content.
    var isWhole: Bool { range == nil || range == length.map { ByteRange(length: $0) } }
    var isAtEnd: Bool { range.map { position >= $0.end } ?? false }

    /// Sends it, beginning with what `start` has already.
    mutating func send(_ start: BlobStart, to stream: BodyStream) async throws {
        // Whoever goes on elsewhere wants nothing more of a download.
        var current = start.take()
        var (download, file) = (current?.download, current?.head.file)
        defer { notes.notes.set(download?.progress.origins ?? ByteOrigins(), direct: direct?.received ?? 0) }
        var source = BlobSource.download
        var first: ByteRange?
        switch start.first {
        case .part(let part): first = part
        case .opening(let bytes): try await write(bytes, to: stream)
        }
        while true {
            do {
                switch source {
                case .download, .again:
                    let reading = if let current { current } else { try await begin() }
                    current = nil
                    (download, file) = (reading.download, reading.head.file)
                    try await send(from: reading, first: source == .download ? first : nil, to: stream)
                case .direct:
                    if let file { try await sendRest(of: file, to: stream) }
                    try await sendDirectly(to: stream)
                }
                return
            } catch {
                let failure: BlobFailure = Task.isCancelled ? .gone : BlobFailure(error)
                guard let next = source.next(after: failure) else {
                    if failure != .gone { notes.ended(at: position, after: error) }
                    throw (error as? ClientGone)?.cause ?? error
                }
                notes.changed(to: next, at: position, after: error)
                source = next
            }
        }
    }

    /// Another download of the same content.
    private func begin() async throws -> BlobReading {
        let (blob, engine, range, length) = (blob, engine, range, length)
        let watched = WatchedDownload()
        return try await Patience(patience).wait(watching: { watched.arrived }) {
            let reading = try await watched.read(blob, engine)
            if let length, let other = reading.length, length != other {
                throw WrongContent(description: "the content has \(other) bytes now, not \(length)")
            }
            reading.want(range)
            return reading
        }
    }

    private mutating func send(
        from reading: BlobReading,
        first: ByteRange?,
        to stream: BodyStream
    ) async throws {
        let file = reading.head.file
        var ready = first
        while !isAtEnd {
            let part = if let ready { ready } else { try await next(of: reading) }
            ready = nil
            if part.isEmpty { break }
            try await write(part, of: file, to: stream)
        }
        if range == nil, !sent.agree(with: file) {
            throw WrongContent(description: "other bytes were sent than have proved right")
        }
    }

    /// What is here of a download that gives no more is as good as it was, but for the byte that may be the last.
    private mutating func sendRest(of file: PieceFile, to stream: BodyStream) async throws {
        let run = file.committedRun(from: position)
        let end = min(run.end, (length ?? run.end) - 1, range?.end ?? .max)
        guard end > position else { return }
        try await write(ByteRange(position..<end), of: file, to: stream)
    }

    /// Sends the whole's first bytes, which are compared with the file's as soon as it has them.
    private mutating func write(_ opening: [UInt8], to stream: BodyStream) async throws {
        sent.begin(opening)
        try await stream.write(opening)
        position = Int64(opening.count)
    }

    private mutating func write(_ part: ByteRange, of file: PieceFile, to stream: BodyStream) async throws {
        guard try sent.confirmOpening(by: file) else {
            throw WrongContent(description: "other first bytes were sent than have proved right")
        }
        sent.add(part, of: file)
        // The file as a whole has been checked by now; what was sent before may have been replaced since.
        if isWhole, part.end == file.layout.length, !sent.agree(with: file) {
            throw WrongContent(description: "other bytes were sent than have proved right")
        }
        do {
            try await stream.write(FileSlice(descriptor: file.descriptor, range: part, owner: file))
        } catch {
            throw ClientGone(cause: error)
        }
        position = part.end
    }

    private func next(of reading: BlobReading) async throws -> ByteRange {
        let (download, head, range, position) = (reading.download, reading.head, range, position)
        // What is here already, or over, needs nobody's patience.
        if download.arrived == nil { return try await download.next(head, range, from: position) }
        return try await Patience(patience).wait(watching: { download.arrived }) {
            try await download.next(head, range, from: position)
        }
    }
}
