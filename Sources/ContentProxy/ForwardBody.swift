import CacheStore
import Content
import HTTPService
import NIOCore
import PeerEngine

/// Sends content, or a part of it, to one client of the proxy while it arrives.
struct ForwardBody {
    private let download: TaskDownload
    private let head: TaskDownload.Head
    private let range: ByteRange?
    /// The next byte that is needed.
    private var position: Int64
    /// What is not committed yet.
    private var sent = SentParts()

    init(_ download: TaskDownload, _ head: TaskDownload.Head, _ range: ByteRange?) {
        self.download = download
        self.head = head
        self.range = range
        position = range?.offset ?? 0
    }

    /// Waits for the next bytes; none at the end.
    func next() async throws -> Arrival {
        // Who gets a part only is not told at the end that something was replaced.
        let isWhole = range == nil || range == head.length.map { ByteRange(length: $0) }
        return try await download.next(head, range, from: position, early: isWhole ? EarlyReading() : nil)
    }

    /// Sends `first`, which ``next()`` has brought, and all that follows.
    mutating func send(_ first: Arrival?, to stream: BodyStream) async throws {
        var ready = first
        while true {
            let next = if let ready { ready } else { try await next() }
            ready = nil
            switch next {
            case .early(let part): try await write(early: part, to: stream)
            case .committed(let part):
                if part.isEmpty { return }
                try await write(part, to: stream)
            }
        }
    }

    private mutating func write(early part: ByteRange, to stream: BodyStream) async throws {
        while position < part.end {
            guard let bytes = try head.file.earlyBytes(ByteRange(position..<part.end)) else { return }
            bytes.withUnsafeReadableBytes { sent.add(early: $0, at: position, of: head.file) }
            try await stream.write(bytes)
            position += Int64(bytes.readableBytes)
        }
    }

    private mutating func write(_ part: ByteRange, to stream: BodyStream) async throws {
        guard try await sent.confirmEarly(by: head.file) else {
            throw WrongContent(description: "other bytes were sent early than the origin has in the end")
        }
        sent = SentParts()
        try await stream.write(FileSlice(descriptor: head.file.descriptor, range: part, owner: head.file))
        position = part.end
    }
}
