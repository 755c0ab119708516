import Content
import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOPosix
import RateLimiting
import Synchronization

/// Writes one response to its connection.
///
/// The head waits for the first bytes of the body: so a small response is one write, and a body that fails before its
/// first byte can still become an error response. Every write returns when the kernel has taken the bytes: that is the
/// back-pressure, and there is never more than one write under way.
///
/// File slices go below the HTTP codec, where NIO knows file regions, as sendfile(2). Never a byte more or less than
/// announced leaves as a complete response.
final class ResponseSender: ResponseBodyWriter, Sendable {
    private struct State {
        var head: HTTPResponse?
        var held: ByteBuffer?
        var claimed: Int64 = 0
        var sent: Int64 = 0
        var isFinished = false
    }

    static let regionSize: Int64 = 8 << 20
    static let bufferSize: Int64 = 256 << 10

    private let channel: any Channel
    private let announced: Int64?
    private let secure: Bool
    private let takeover: Takeover
    private let state: Mutex<State>

    /// A sender of one response.
    ///
    /// `announced` is the length that the head announces (nil: a chunked body); a `secure` connection encrypts, so that a
    /// file must be read instead of handed to sendfile(2); `takeover`: how the connection may become something else.
    init(head: HTTPResponse, announced: Int64?, channel: any Channel, secure: Bool, takeover: Takeover) {
        self.channel = channel
        self.announced = announced
        self.secure = secure
        self.takeover = takeover
        state = Mutex(State(head: head))
    }

    /// Whether the client may have seen something of the response already.
    var hasBegun: Bool { state.withLock { $0.head == nil } }
    /// Whether the response is complete.
    var isFinished: Bool { state.withLock(\.isFinished) }
    /// Bytes of the body that the kernel has taken.
    var bytesSent: Int64 { state.withLock(\.sent) }

    /// Sends the head now instead of with the first bytes.
    func sendHead() async throws { try await send([], bytes: 0) }

    func write(_ buffer: ByteBuffer) async throws {
        guard buffer.readableBytes > 0 else { return }
        let bytes = Int64(buffer.readableBytes)
        try claim(bytes)
        let isWhole = state.withLock { state in
            guard state.head != nil, bytes == announced else { return false }
            state.held = buffer
            return true
        }
        if isWhole { return }
        try await send([.body(buffer)], bytes: bytes)
    }

    func write(contentsOf buffers: some Sequence<ByteBuffer>) async throws {
        for buffer in buffers { try await write(buffer) }
    }

    func finish(_ trailers: HTTPFields?) async throws {
        let (claimed, held) = state.withLock { ($0.claimed, $0.held) }
        if let announced, claimed != announced {
            throw BodyFailure(.tooShort, "the body has \(claimed) bytes, \(announced) were announced")
        }
        state.withLock { $0.held = nil }
        let body = held.map { [HTTPResponsePart.body($0)] } ?? []
        do {
            try await send(body + [.end(trailers)], bytes: Int64(held?.readableBytes ?? 0))
        } catch {
            guard hasTakenAll else { throw error }
        }
        state.withLock { $0.isFinished = true }
    }

    /// Whether the kernel has taken all that was announced: the client knows the end then, and may have closed already.
    private var hasTakenAll: Bool { announced.map { $0 > 0 && $0 == bytesSent } ?? false }

    /// Gives the connection away: nothing is written by way of HTTP any more, and the response counts as complete.
    func giveAway() -> Takeover {
        state.withLock { state in
            state.head = nil
            state.isFinished = true
        }
        return takeover
    }

    /// So many bytes have gone to the client by another way.
    func count(_ bytes: Int64) { state.withLock { $0.sent += bytes } }

    /// Ends a response that has no body.
    ///
    /// With `closing`, the connection ends behind the head, because the head does not tell where the response ends.
    func finishHead(closing: Bool) async throws {
        if closing {
            try await sendHead()
            channel.close(promise: nil)
        } else {
            try await send([.end(nil)], bytes: 0)
        }
        state.withLock { $0.isFinished = true }
    }

    /// Sends a slice of a file in regions; throws at the first that fails.
    ///
    /// Under limits they are small, so that the rate is even.
    func write(_ slice: FileSlice, limits: [RateLimiter]) async throws {
        guard !slice.range.isEmpty else { return }
        try claim(slice.range.count)
        var grant = RateGrant(limits)
        defer { grant.release() }
        if secure {
            try await sendBuffered(slice, &grant)
        } else {
            try await sendRegions(slice, &grant)
        }
        withExtendedLifetime(slice.owner) {}
    }

    private func sendRegions(_ slice: FileSlice, _ grant: inout RateGrant) async throws {
        // NIO wants a handle that owns its descriptor and that one write uses at a time: this one only borrows.
        let handle = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: slice.descriptor)
        defer { _ = try? handle.takeDescriptorOwnership() }
        for part in slice.parts(of: Self.portion(grant, upTo: Self.regionSize)) {
            try await grant.take(Int(part.count))
            try slice.verify(reaches: part.end)
            let region = FileRegion(fileHandle: handle, readerIndex: Int(part.offset), endIndex: Int(part.end))
            try await send([], region: region, bytes: part.count)
        }
    }

    private func sendBuffered(_ slice: FileSlice, _ grant: inout RateGrant) async throws {
        var parts = slice.parts(of: Self.portion(grant, upTo: Self.bufferSize)).makeIterator()
        var part = parts.next()
        var buffer = try await slice.buffer(part)
        while let current = part, let bytes = buffer {
            try await grant.take(Int(current.count))
            let following = parts.next()
            async let next = slice.buffer(following)  // the disk works while the socket does
            try await send([.body(bytes)], bytes: current.count)
            (part, buffer) = (following, try await next)
        }
    }

    private static func portion(_ grant: RateGrant, upTo most: Int64) -> Int64 {
        grant.isLimited ? Int64(grant.portion(upTo: 256 << 10)) : most
    }

    private func claim(_ bytes: Int64) throws(BodyFailure) {
        let claimed = state.withLock { state in
            state.claimed += bytes
            return state.claimed
        }
        if let announced, claimed > announced {
            throw BodyFailure(.tooLong, "the body has more than the \(announced) bytes announced")
        }
    }

    private func send(_ parts: [HTTPResponsePart], region: FileRegion? = nil, bytes: Int64) async throws {
        let head = state.withLock { state in
            defer { state.head = nil }
            return state.head
        }
        let parts = (head.map { [.head($0)] } ?? []) + parts
        guard !parts.isEmpty || region != nil else { return }
        let channel = channel
        let promise = channel.eventLoop.makePromise(of: Void.self)
        channel.eventLoop.execute {
            let pipeline = channel.pipeline.syncOperations
            for part in parts.dropLast(region == nil ? 1 : 0) { pipeline.write(NIOAny(part), promise: nil) }
            guard let region else {
                if let last = parts.last { pipeline.writeAndFlush(NIOAny(last), promise: promise) }
                return
            }
            do {
                // IOData.fileRegion exists only on the network side of the codec.
                let context = try pipeline.context(handlerType: ServerCodec.self)
                context.writeAndFlush(NIOAny(HTTPServerResponsePart.body(.fileRegion(region))), promise: promise)
            } catch {
                promise.fail(error)  // the pipeline is torn down: the client is gone
            }
        }
        try await promise.futureResult.get()
        state.withLock { $0.sent += bytes }
    }
}

extension FileSlice {
    /// Reads a part on a thread that may wait for the disk; nil for none.
    func buffer(_ part: ByteRange?) async throws -> ByteBuffer? {
        guard let part else { return nil }
        return try await NIOThreadPool.singleton.runIfActive { try contents(part) }
    }

    /// Reads a part; waits for the disk where it has to.
    func contents(_ part: ByteRange) throws -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: Int(part.count))
        try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: Int(part.count)) { target in
            try read(part, into: UnsafeMutableRawBufferPointer(rebasing: target[..<Int(part.count)]))
            return Int(part.count)
        }
        return buffer
    }
}
