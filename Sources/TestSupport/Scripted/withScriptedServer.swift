internal import Content
internal import Glibc
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// Runs a ``ScriptedServer`` for the length of `body`; what it is still doing then is cut off.
///
///     try await withScriptedServer { request in
///         .content(file, for: request)
///     } body: { server in
///         ... server.url("/file") ...
///     }
///
/// - Parameters:
///   - host: the address to listen at.
///   - unixSocket: a path to listen at instead.
///   - handler: what to do with each request.
///   - body: what to run meanwhile.
/// - Returns: what `body` returns.
/// - Throws: what `body` throws, or that the address can not be listened at.
package func withScriptedServer<Result: Sendable>(
    host: String = "127.0.0.1",
    unixSocket: String? = nil,
    _ handler: @escaping ScriptedServer.Handler,
    body: (ScriptedServer) async throws -> Result
) async throws -> Result {
    let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
    let open = OpenChannels()
    let listener =
        if let unixSocket {
            try await bootstrap.bind(unixDomainSocketPath: unixSocket) { makeConnection($0, among: open) }
        } else {
            try await bootstrap.bind(host: host, port: 0) { makeConnection($0, among: open) }
        }
    let port = listener.channel.localAddress?.port ?? 0
    let server = ScriptedServer(host: unixSocket == nil ? host : "localhost", port: port, handler: handler)
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await accept(listener, for: server) }
        defer {
            group.cancelAll()
            open.close()
        }
        return try await body(server)
    }
}

private typealias Connection = NIOAsyncChannel<HTTPServerRequestPart, ByteBuffer>

private func makeConnection(_ channel: any Channel, among open: OpenChannels) -> EventLoopFuture<Connection> {
    channel.eventLoop.makeCompletedFuture {
        // Only the decoder of NIO's HTTP pipeline: what goes out is the script's.
        try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(HTTPRequestDecoder()))
        let connection = try Connection(wrappingChannelSynchronously: channel)
        open.add(channel, of: connection)
        return connection
    }
}

private func accept(_ listener: NIOAsyncChannel<Connection, Never>, for server: ScriptedServer) async {
    try? await listener.executeThenClose { connections in
        await withDiscardingTaskGroup { group in
            do {
                for try await connection in connections {
                    let number = server.openConnection()
                    group.addTask { await serve(connection, number: number, for: server) }
                }
            } catch {
                // The test is over.
            }
            group.cancelAll()
        }
    }
}

private func serve(_ connection: Connection, number: Int, for server: ScriptedServer) async {
    // An error is a client that went away, or a request that is none: the connection ends either way.
    try? await connection.executeThenClose { inbound, outbound in
        var current: ScriptedRequest?
        for try await part in inbound {
            switch part {
            case .head(let head):
                current = ScriptedRequest(
                    method: head.method.rawValue,
                    target: head.uri,
                    headers: HeaderFields(head.headers.map { ($0.name, $0.value) }),
                    body: [],
                    number: 0,
                    connection: number
                )
            case .body(let bytes): current?.body.append(contentsOf: bytes.readableBytesView)
            case .end(let trailers):
                guard var request = current.take() else { return }
                request.trailers = HeaderFields((trailers ?? [:]).map { ($0.name, $0.value) })
                let recorded = server.record(request)
                let script = await server.handler(recorded)
                guard try await play(script, on: connection.channel, outbound, isHead: request.method == "HEAD")
                else { return }
            }
        }
    }
}

/// Does the steps; false when the connection is to end.
private func play(
    _ script: Script,
    on channel: any Channel,
    _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>,
    isHead: Bool
) async throws -> Bool {
    for step in script.steps {
        try Task.checkCancellation()
        switch step {
        case .raw(let bytes): try await outbound.write(ByteBuffer(bytes: bytes))
        case .body(let bytes):
            if !isHead, !bytes.isEmpty { try await outbound.write(ByteBuffer(bytes: bytes)) }
        case .wait(let event): await event.wait()
        case .fire(let event): event.fire()
        case .close: return false
        case .reset:
            // Without lingering, close throws away what is unsent and sends a reset.
            try await (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
            return false
        }
    }
    return true
}
