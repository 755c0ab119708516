public import Content
internal import Synchronization

/// A sink that keeps the content in memory: for manifests, token answers and tests, never for files.
public final class CollectingSink: ContentSink {
    /// More arrived than was asked for.
    public struct TooLarge: Error, Sendable, CustomStringConvertible {
        /// The most that was to be taken, in bytes.
        public let limit: Int
        /// Says so.
        public var description: String { "more than \(limit) bytes" }
    }

    private let limit: Int
    private let state = Mutex<(head: ContentHead?, bytes: [UInt8])>((nil, []))

    /// Takes at most `limit` bytes.
    public init(limit: Int) { self.limit = limit }

    /// What came first; nil before that.
    public var head: ContentHead? { state.withLock { $0.head } }
    /// What has come so far.
    public var bytes: [UInt8] { state.withLock { $0.bytes } }

    /// Keeps the head; refuses content that is announced as too large.
    public func begin(_ head: ContentHead) throws {
        if let length = head.bodyLength, length > Int64(limit) { throw TooLarge(limit: limit) }
        state.withLock { $0.head = head }
    }

    /// Keeps the bytes.
    public func receive(_ bytes: UnsafeRawBufferPointer, flow: any FlowControl) throws -> SinkResult {
        try state.withLock { state in
            guard bytes.count <= limit - state.bytes.count else { throw TooLarge(limit: limit) }
            state.bytes.append(contentsOf: bytes)
            return .consumed
        }
    }
}
