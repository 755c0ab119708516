import BackendAPI
import CacheStore
import Content
import CurlTransport
import FoundationEssentials
import Glibc
import HTTPService
package import Logging
import NodeAssembly
import NodeConfig
import NodeControl
import OriginFetch
import PeerEngine
import ServiceLifecycle
import UnixSignals

/// `dfget server`: goes on offering a finished output, from the open file and under the registration of the dfget that
/// fetched it, until nobody has asked for it for a while, somebody changes the file or the supernode refuses the content
/// for good.
package enum SeedServer {
    /// Runs until then.
    ///
    /// To be called in the process that ``Handover`` starts.
    package static func run(logger: Logger) async throws {
        ServerLog.bound()
        let handover = try Handover.inherited()
        _ = chdir("/")
        var configuration = ToolConfiguration()
        do throws(ConfigError) {
            try ConfigFile.parse(text: handover.configuration, file: "handover", into: &configuration)
        } catch {
            throw ToolFailure(.failure, error.description)
        }
        guard let address = configuration.node.supernodes.first,
            case .tcp(_, let port) = configuration.node.pieces.address.place
        else {
            throw ToolFailure(.failure, "the handover names no supernode or no port")
        }
        let file = try PieceFile(
            inherited: Handover.Inherited.content,
            handover.manifest,
            threads: WorkerThreads(count: 1)
        )
        let links = Links(configuration, logger: logger)
        let identity = NodeIdentity(
            name: handover.name,
            address: configuration.ip,
            speaksTLS: configuration.node.pieces.tls != nil
        )
        identity.listens(at: port)
        let engine = PeerEngine(
            configuration.node.peer,
            supernodes: [address],
            identity: identity,
            links: links.engine,
            backends: try BackendRegistry(plugins: [], entries: []),
            origin: configuration.node.origin.fetch,
            store: nil,
            clusterToken: handover.token,
            logger: logger
        )
        engine.adopt(handover.registration, sequence: handover.sequence, at: address)
        guard let offer = engine.seed(try DownloadRequest(handover.request), file, handover.record, at: address) else {
            throw ToolFailure(.failure, "the handover names nothing to offer")
        }
        let activity = Activity()
        let listener = HTTPListener.pieces(
            of: engine,
            configuration.node.pieces,
            slots: configuration.node.peer.uploadSlots,
            limits: links.limits,
            activity: activity,
            logger: logger,
            inherited: Handover.Inherited.listener
        )
        Handover.waitForParent()
        let patience = Patience(
            offer: offer,
            file: file,
            activity: activity,
            aliveTime: configuration.aliveTime,
            logger: logger
        )
        let services: [ServiceGroupConfiguration.ServiceConfiguration] = [
            .init(service: listener),
            .init(service: engine),
            .init(service: patience, successTerminationBehavior: .gracefullyShutdownGroup),
        ]
        let group = ServiceGroup(
            configuration: .init(services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        )
        let path = try? FileManager.default.destinationOfSymbolicLink(
            atPath: "/proc/self/fd/\(Handover.Inherited.content)"
        )
        logger.info("offering", metadata: ["output": "\(path ?? "?")", "supernode": "\(address)"])
        try await group.run()
        logger.info("ended", metadata: ["output": "\(path ?? "?")"])
    }
}

/// Offers the file, and ends when nobody has asked for it for a while, it is not what it was any more, or the supernode
/// does not want it any more.
private struct Patience: Service {
    let offer: TaskDownload
    let file: PieceFile
    let activity: Activity
    let aliveTime: Duration
    let logger: Logger

    /// How often the file is looked at.
    private static let check = Duration.seconds(10)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await offer.keepOffering() }
                group.addTask { await lastUse() }
                await group.next()
                group.cancelAll()
            }
        }
    }

    private func lastUse() async {
        while file.isUnchanged {
            let rest = ContinuousClock.now.duration(to: activity.last + aliveTime)
            guard rest > .zero else {
                logger.info("nobody has asked for it any more", metadata: ["for": "\(aliveTime)"])
                return
            }
            do { try await Task.sleep(for: min(rest, Self.check)) } catch { return }
        }
        logger.info("somebody has changed the output")
    }
}
