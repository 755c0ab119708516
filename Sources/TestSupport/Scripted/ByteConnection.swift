internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// One end of a TCP connection, for what speaks no HTTP or stops doing so.
package final class ByteConnection: Sendable {
    /// How the other side ended.
    package enum End: Sendable {
        /// In the ordinary way.
        case closed
        /// With a reset.
        case reset
    }

    private struct State {
        var bytes: [UInt8] = []
        var end: End?
        var waiting: CheckedContinuation<Void, Never>?
    }

    private let channel: any Channel
    private let state = Mutex(State())

    init(_ channel: any Channel) { self.channel = channel }

    /// Exactly so many bytes, or fewer at the end.
    package func read(_ count: Int) async throws -> [UInt8] {
        while true {
            let (part, seen) = state.withLock { state -> ([UInt8]?, Int) in
                guard state.bytes.count >= count || state.end != nil else { return (nil, state.bytes.count) }
                let part = Array(state.bytes.prefix(count))
                state.bytes.removeFirst(part.count)
                return (part, 0)
            }
            if let part { return part }
            try await more(than: seen)
        }
    }

    /// Everything up to the first `mark`, or to the end.
    package func read(until mark: String) async throws -> String {
        while true {
            let (part, seen) = state.withLock { state -> (String?, Int) in
                // In bytes: to a String, a line feed behind a carriage return is none.
                let mark = state.bytes.firstRange(of: Array(mark.utf8))
                guard let end = mark?.upperBound ?? (state.end == nil ? nil : state.bytes.endIndex) else {
                    return (nil, state.bytes.count)
                }
                let part = String(decoding: state.bytes[..<end], as: UTF8.self)
                state.bytes.removeFirst(end)
                return (part, 0)
            }
            if let part { return part }
            try await more(than: seen)
        }
    }

    /// Everything up to the end, and what that was.
    package func readToEnd() async throws -> (bytes: [UInt8], end: End) {
        while true {
            let (all, seen) = state.withLock { state in (state.end.map { (state.bytes, $0) }, state.bytes.count) }
            if let all { return all }
            try await more(than: seen)
        }
    }

    /// Returns when there are other than `seen` bytes, or no more will come: what has come since they were looked at counts.
    private func more(than seen: Int) async throws {
        try Task.checkCancellation()
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state -> Bool in
                    if Task.isCancelled || state.end != nil || state.bytes.count != seen { return true }
                    state.waiting = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiting.take() }?.resume()
        }
    }

    /// Sends text.
    package func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    /// Sends bytes; returns when the kernel has them.
    package func send(_ bytes: [UInt8]) async throws { try await channel.writeAndFlush(ByteBuffer(bytes: bytes)) }

    /// Sends no more, and goes on receiving.
    package func endOutput() async throws { try await channel.close(mode: .output) }

    /// Ends both directions.
    package func close() { channel.close(promise: nil) }

    /// Ends with a reset.
    package func reset() async throws {
        try await (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        channel.close(promise: nil)
    }

    fileprivate func received(_ buffer: ByteBuffer) { wake { $0.bytes.append(contentsOf: buffer.readableBytesView) } }

    fileprivate func ended(_ end: End) { wake { $0.end = $0.end ?? end } }

    private func wake(_ change: (inout State) -> Void) {
        let waiting = state.withLock { state in
            change(&state)
            return state.waiting.take()
        }
        waiting?.resume()
    }
}

/// Fills a ``ByteConnection``.
private final class ByteReceiver: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let connection: ByteConnection

    init(_ connection: ByteConnection) { self.connection = connection }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { connection.received(unwrapInboundIn(data)) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { connection.ended(.closed) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        connection.ended((error as? IOError)?.errnoCode == ECONNRESET ? .reset : .closed)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { connection.ended(.closed) }
}

private func prepare(_ channel: any Channel) -> EventLoopFuture<ByteConnection> {
    channel.eventLoop.makeCompletedFuture {
        let connection = ByteConnection(channel)
        try channel.pipeline.syncOperations.addHandler(ByteReceiver(connection))
        return connection
    }
}

/// Connects to a port of 127.0.0.1 for the length of `body`.
package func withByteConnection<Result: Sendable>(
    to port: Int,
    _ body: (ByteConnection) async throws -> Result
) async throws -> Result {
    let connection = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .channelOption(.allowRemoteHalfClosure, value: true)
        .channelOption(.socketOption(.tcp_nodelay), value: 1)
        .connect(host: "127.0.0.1", port: port) { prepare($0) }
    defer { connection.close() }
    return try await body(connection)
}

/// Runs a TCP server on 127.0.0.1 for the length of `body`, which is told its port; each connection has a `handler`, and ends
/// with it.
package func withByteServer<Result: Sendable>(
    _ handler: @escaping @Sendable (ByteConnection) async throws -> Void,
    body: (Int) async throws -> Result
) async throws -> Result {
    let open = OpenChannels()
    let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .childChannelOption(.allowRemoteHalfClosure, value: true)
        .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
        .bind(host: "127.0.0.1", port: 0) { channel in
            prepare(channel).map { connection in
                open.add(channel, of: connection)
                return connection
            }
        }
    let port = listener.channel.localAddress?.port ?? 0
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            try? await listener.executeThenClose { connections in
                await withDiscardingTaskGroup { group in
                    do {
                        for try await connection in connections {
                            group.addTask {
                                // What the other side does to the connection is no fault of the server's.
                                try? await handler(connection)
                                connection.close()
                            }
                        }
                    } catch {
                        // The test is over.
                    }
                    group.cancelAll()
                }
            }
        }
        defer {
            group.cancelAll()
            open.close()
        }
        return try await body(port)
    }
}
