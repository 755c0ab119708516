import BackendAPI
import CacheStore
import Content
import HTTPService
import NIOCore
import PeerEngine
import WireAPI

/// Sends one blob, or a part of it, to one client, from whatever source still gives it.
///
/// Whoever gets the whole gets its last byte only once all of it has proved right.
struct BlobStream {
    let blob: BlobRequest
    let engine: PeerEngine
    let patience: Duration
    let early: EarlyReading
    let notes: BlobNotes
    /// What is sent; nil: all of content whose length nobody knows.
    let range: ByteRange?
    let length: Int64?
    /// The next byte that is needed.
    var position: Int64
    var sent: SentParts
    var direct: DirectProgress?

    init(
        _ blob: BlobRequest,
        _ start: BlobStart,
        engine: PeerEngine,
        patience: Duration,
        early: EarlyReading,
        notes: BlobNotes
    ) {
        self.blob = blob
        self.engine = engine
        self.patience = patience
        self.early = early
        self.notes = notes
        sent = SentParts(blob.digest.algorithm)
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
        while true {
            do {
                switch source {
                case .download, .again:
                    let reading = if let current { current } else { try await begin() }
                    current = nil
                    (download, file) = (reading.download, reading.head.file)
                    try await send(from: reading, first: source == .download ? start.first : nil, to: stream)
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
        first: BlobStart.First?,
        to stream: BodyStream
    ) async throws {
        let file = reading.head.file
        var ready = first
        while !isAtEnd {
            let next = if let ready { ready } else { BlobStart.First.arrival(try await next(of: reading)) }
            ready = nil
            switch next {
            case .opening(let bytes): try await write(early: ByteBuffer(bytes: bytes), of: nil, to: stream)
            case .arrival(.early(let part)): try await write(early: part, of: file, to: stream)
            case .arrival(.committed(let part)):
                if part.isEmpty { return try confirmEnd(by: file) }
                try await write(part, of: file, to: stream)
            }
        }
    }

    /// All of content whose length nobody knew has been sent.
    private func confirmEnd(by file: PieceFile) throws {
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

    /// Sends bytes of the file that are not committed yet, as far as they are still the origin's.
    private mutating func write(early part: ByteRange, of file: PieceFile, to stream: BodyStream) async throws {
        while position < part.end {
            guard let bytes = try file.earlyBytes(ByteRange(position..<part.end)) else { return }
            try await write(early: bytes, of: file, to: stream)
        }
    }

    /// Sends bytes of the whole that nobody has verified, which are compared with the file's as soon as it has them.
    private mutating func write(early bytes: ByteBuffer, of file: PieceFile?, to stream: BodyStream) async throws {
        bytes.withUnsafeReadableBytes { sent.add(early: $0, at: position, of: file) }
        try await write(bytes, to: stream)
        position += Int64(bytes.readableBytes)
    }

    private mutating func write(_ part: ByteRange, of file: PieceFile, to stream: BodyStream) async throws {
        guard try await sent.confirmEarly(by: file) else {
            throw WrongContent(description: "other bytes were sent early than have proved right")
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

    private func next(of reading: BlobReading) async throws -> Arrival {
        let (download, head, range, position) = (reading.download, reading.head, range, position)
        // What is here already, or over, needs nobody's patience.
        if download.arrived == nil { return .committed(try await download.next(head, range, from: position)) }
        // Who gets a part only is not told at the end that something was wrong.
        let early = isWhole ? early : nil
        return try await Patience(patience).wait(watching: { download.arrived }) {
            try await download.next(head, range, from: position, early: early)
        }
    }
}

extension PieceFile {
    /// The first of these bytes, which arrived early; nil where they are not to be had any longer.
    func earlyBytes(_ range: ByteRange) throws(StoreError) -> ByteBuffer? {
        var buffer = ByteBuffer()
        var result: Result<Int?, StoreError> = .success(nil)
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: Int(min(range.count, 256 << 10))) { bytes in
            result = Result { () throws(StoreError) in try readEarly(range, into: bytes) }
            return (try? result.get()) ?? 0
        }
        return try result.get() == nil ? nil : buffer
    }
}
