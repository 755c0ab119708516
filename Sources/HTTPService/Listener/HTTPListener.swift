import Glibc
package import Hummingbird
import HummingbirdCore
package import Logging
package import Metrics
package import NIOCore
import NIOPosix
import NIOSSL
import ServiceLifecycle

/// One HTTP/1.1 server: accepts connections at one address and has a responder answer their requests.
///
/// A handler runs in a task that is cancelled when its client goes away, and sees the graceful shutdown
/// (`withGracefulShutdownHandler`): a suspended long poll should end at either. No thread waits for a connection.
///
/// A client that closes its sending side gets its answers still (RFC 9112 §9.6). Whether it has gone altogether shows once something
/// is sent to it; see ``ConnectionGuard``.
package final class HTTPListener: Service {
    private typealias Connection = HTTP1Channel.Value
    private typealias ServerChannel = NIOAsyncChannel<Connection, Never>

    /// Names the listener in logs, metrics and errors.
    package let name: String
    private let configuration: ListenerConfiguration
    private let tls: ServerTLS?
    private let server: RequestServer
    private let logger: Logger
    private let group: any EventLoopGroup
    private let connections: OpenConnections
    private let inherited: Int32?
    private let otherwise: ListenAddress?
    private let place = OneShot<(address: BoundAddress, socket: Int32)>()

    /// A listener that does nothing until it is run.
    ///
    /// `name` appears in logs, metrics and errors; the responder is a router's `buildResponder()` as a rule.
    /// `inherited`: a socket that another process bound to the configured address and handed over. `otherwise`: where to
    /// listen if somebody listens at the configured address already; nil: that is an error. `tls`: the certificate where it is in
    /// no files; nil: the configuration says it.
    package init(
        name: String,
        configuration: ListenerConfiguration,
        responder: some HTTPResponder<ServiceRequestContext>,
        logger: Logger,
        metrics: any MetricsFactory = MetricsSystem.factory,
        group: (any EventLoopGroup)? = nil,
        inherited: Int32? = nil,
        otherwise: ListenAddress? = nil,
        tls: ServerTLS? = nil
    ) {
        var logger = logger
        logger[metadataKey: "listener"] = "\(name)"
        self.name = name
        self.configuration = configuration
        self.tls = tls ?? configuration.tls.map { ServerTLS($0) }
        self.inherited = inherited
        self.otherwise = otherwise
        self.logger = logger
        self.group = group ?? MultiThreadedEventLoopGroup.singleton
        connections = OpenConnections(most: configuration.connections)
        server = RequestServer(
            responder: responder,
            observer: RequestObserver(name: name, accessLog: configuration.accessLog, metrics: metrics),
            connections: connections,
            configuration: configuration,
            logger: logger
        )
    }

    /// The address in use, with the real port; waits until the listener accepts connections.
    ///
    /// Throws what `run` throws when it can not start.
    package func bound() async throws -> BoundAddress { try await place.value().address }

    /// The listening socket, for another process to inherit: connections that nobody has accepted yet wait for it.
    ///
    /// It stays the listener's own; waits and throws like ``bound()``.
    package func socket() async throws -> Int32 { try await place.value().socket }

    /// Whether it has a certificate.
    package var speaksTLS: Bool { tls != nil }

    /// Serves until a graceful shutdown or cancellation.
    ///
    /// Throws ``ListenError`` if it can not start. At a graceful shutdown responses say that their connection ends; after the
    /// notice no connection is accepted any more, idle ones close, running responses get the configured time, and then
    /// everything is closed.
    package func run() async throws {
        let channel: ServerChannel
        let file: SocketFile?
        do {
            (channel, file) = try await start()
        } catch {
            place.fail(error)
            throw error
        }
        defer { file?.remove() }
        logger.info("listening", metadata: ["address": "\(channel.channel.localAddress?.description ?? "")"])
        let listening = channel.channel
        let (notice, drain) = (DrainTimer(), DrainTimer())
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                await self.accept(from: channel)
            } onGracefulShutdown: {
                self.connections.leave()
                notice.start(on: listening.eventLoop, after: self.configuration.notice) {
                    drain.start(on: listening.eventLoop, after: self.configuration.drain) { self.connections.close() }
                    listening.close(promise: nil)
                    self.connections.drain()
                }
            }
        } onCancel: {
            listening.close(promise: nil)
            self.connections.close()
        }
        notice.cancel()
        drain.cancel()
    }

    private func accept(from server: ServerChannel) async {
        await withDiscardingTaskGroup { group in
            do {
                try await server.executeThenClose { inbound in
                    for try await connection in inbound {
                        group.addTask { await self.serve(connection) }
                    }
                }
            } catch is CancellationError {
                // Something else did not start; that is told elsewhere.
            } catch {
                self.logger.error("no more connections are accepted", metadata: ["error": "\(error)"])
            }
        }
    }

    private func serve(_ connection: Connection) async {
        let http = HTTP1Channel(responder: server.respond)
        await withDiscardingTaskGroup { group in
            group.addTask { await http.handle(value: connection, logger: self.logger) }
            // A handler that is suspended does not see its client go; the cancellation tells it.
            try? await connection.channel.closeFuture.get()
            group.cancelAll()
        }
    }

    private func start() async throws -> (ServerChannel, SocketFile?) {
        try tls?.load(name: name)
        do {
            return try await start(at: configuration.address)
        } catch let error as ListenError where error.code == .addressInUse {
            guard let otherwise, inherited == nil else { throw error }
            return try await start(at: otherwise)
        }
    }

    private func start(at address: ListenAddress) async throws -> (ServerChannel, SocketFile?) {
        let socket = try inherited ?? BoundSocket(address, name: name).descriptor
        let file = SocketFile(address)
        let channel: ServerChannel
        do {
            channel = try await bootstrap().bind(socket) { channel in self.prepare(channel) }
            try await AcceptGuard.add(to: channel.channel, logger: logger)
        } catch {
            file?.remove()
            let inUse = (error as? IOError)?.errnoCode == EADDRINUSE
            throw ListenError(
                inUse ? .addressInUse : .cannotBind,
                "\(name): \(inUse ? "address already in use:" : "cannot listen on") \(address)",
                cause: error
            )
        }
        listen(socket, BoundSocket.backlog)  // NIO listens with a short queue
        place.succeed((BoundAddress(address, channel.channel.localAddress), socket))
        return (channel, file)
    }

    private func bootstrap() -> ServerBootstrap {
        var bootstrap = ServerBootstrap(group: group).childChannelOption(.allowRemoteHalfClosure, value: true)
        guard case .tcp = configuration.address.place else { return bootstrap }
        let stall = UInt32(clamping: TimeAmount(configuration.stallTimeout).nanoseconds / 1_000_000)
        for (option, value) in [(TCP_KEEPIDLE, 60), (TCP_KEEPINTVL, 15), (TCP_KEEPCNT, 4)] {
            bootstrap = bootstrap.childChannelOption(.tcpOption(.init(rawValue: option)), value: Int(value))
        }
        return
            bootstrap
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelOption(.tcpOption(.init(rawValue: TCP_USER_TIMEOUT)), value: Int(stall))
    }

    private func prepare(_ channel: any Channel) -> EventLoopFuture<Connection> {
        channel.eventLoop.makeCompletedFuture {
            try self.secure(channel)
            return try HTTPPipeline(configuration: self.configuration, server: self.server, logger: self.logger).add(
                to: channel
            )
        }.map { connection in
            self.connections.add(channel)
            self.server.observer.connectionOpened()
            channel.closeFuture.whenComplete { _ in
                self.connections.remove(channel)
                self.server.observer.connectionClosed()
                // Accepted while the listener closes, it reaches nobody, and NIO traps if it is dropped while open.
                withExtendedLifetime(connection) {}
            }
            return connection
        }.flatMapErrorThrowing { error in
            channel.close(promise: nil)
            throw error
        }
    }

    private func secure(_ channel: any Channel) throws {
        guard let tls else { return }
        let context = tls.current { logger.error("the certificate from before stays", metadata: ["error": "\($0)"]) }
        guard let context else { throw ListenError(.badCertificate, "\(name): there is no certificate yet") }
        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
    }
}
