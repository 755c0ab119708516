import CacheStore
import Content
import CurlTransport
import HTTPService
import Hummingbird
import Logging
import NodeAssembly
import OriginFetch
import PeerEngine
import PieceServer
import RateLimiting
import Synchronization

/// When somebody has last asked for something.
final class Activity: Sendable {
    private let time = Mutex(ContinuousClock.now)

    func note() { time.withLock { $0 = .now } }
    var last: ContinuousClock.Instant { time.withLock { $0 } }
}

/// Serves the pieces of outputs: as long as nobody has changed the file.
private struct OutputPieces: PieceSource {
    let engine: PeerEngine
    let activity: Activity

    func content(of task: TaskID) -> (file: PieceFile, generation: Generation)? {
        activity.note()
        guard let content = engine.content(of: task), content.file.isUnchanged else { return nil }
        return content
    }

    func key(of peer: PeerID) -> PeerKey? { engine.key(of: peer) }
}

extension HTTPListener {
    /// dfget's piece server: where its port is taken, as by the server that an earlier dfget has left behind, it gets
    /// another one.
    static func pieces(
        of engine: PeerEngine,
        _ configuration: ListenerConfiguration,
        slots: Int,
        limits: NodeLimits,
        activity: Activity,
        logger: Logger,
        inherited: Int32? = nil
    ) -> HTTPListener {
        let source = OutputPieces(engine: engine, activity: activity)
        let router = ListenerRouters.pieces(
            PieceRoutes(source: source, limits: limits, slots: UploadSlots(perTask: slots), now: UnixTime.now)
        )
        return HTTPListener(
            name: "pieces",
            configuration: configuration,
            responder: router.buildResponder(),
            logger: logger,
            inherited: inherited,
            otherwise: configuration.address.withAnyPort
        )
    }
}

extension ListenAddress {
    /// The same with a port that the system chooses; nil where there is nothing to choose.
    fileprivate var withAnyPort: ListenAddress? {
        guard case .tcp(let host, let port) = place, port != 0 else { return nil }
        return ListenAddress(.tcp(host: host, port: 0))
    }
}
