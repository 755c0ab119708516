import BackendAPI
import CacheStore
import Content
import CurlTransport
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
/// fetched it, until nobody has asked for it for a while or somebody changes the file.
package enum SeedServer {
    /// Runs until then.
    ///
    /// To be called in the process that ``Handover`` starts.
    package static func run(logger: Logger) async throws {
        let handover = try Handover.inherited()
        _ = chdir("/")
        guard let address = SupernodeAddress(handover.supernode) else {
            throw ToolFailure(.failure, "the handover names no supernode")
        }
        let file = try PieceFile(
            inherited: Handover.Inherited.content,
            handover.manifest,
            threads: WorkerThreads(count: 1)
        )
        var configuration = ToolConfiguration()
        configuration.node.supernodes = [address]
        configuration.node.supernodeCAFile = handover.supernodeCAFile
        configuration.node.pieces.address = ListenAddress(.tcp(host: "::", port: handover.port))
        configuration.totalLimit = Rate(bytesPerSecond: handover.uploadLimits.min())
        let links = Links(configuration, logger: logger)
        let identity = NodeIdentity(name: handover.name, address: handover.address)
        identity.listens(at: handover.port)
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
        engine.seed(try DownloadRequest(handover.request), file, handover.record, at: address)
        let activity = Activity()
        let listener = HTTPListener.pieces(
            of: engine,
            configuration.node.pieces,
            limiters: links.uploads,
            activity: activity,
            logger: logger
        )
        Handover.waitForParent()
        let patience = Patience(file: file, activity: activity, aliveTime: .seconds(handover.aliveSeconds))
        let services: [ServiceGroupConfiguration.ServiceConfiguration] = [
            .init(service: listener),
            .init(service: engine),
            .init(service: patience, successTerminationBehavior: .gracefullyShutdownGroup),
        ]
        let group = ServiceGroup(
            configuration: .init(services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        )
        try await group.run()
    }
}

/// Ends when nobody has asked for the file for a while, or it is not what it was any more.
private struct Patience: Service {
    let file: PieceFile
    let activity: Activity
    let aliveTime: Duration

    /// How often the file is looked at.
    private static let check = Duration.seconds(10)

    func run() async throws {
        while file.isUnchanged {
            let rest = ContinuousClock.now.duration(to: activity.last + aliveTime)
            guard rest > .zero else { return }
            do { try await Task.sleep(for: min(rest, Self.check)) } catch { return }
        }
    }
}
