import CacheStore
import Content
import FoundationEssentials
import HTTPService
import NodeAssembly
import NodeConfig
import OriginFetch
import PeerEngine
import Synchronization
import WireAPI

/// A download without a daemon.
final class StandaloneDownload: Sendable {
    private let node: StandaloneNode
    private let order: DownloadOrder
    private let supernodes: [SupernodeAddress]
    private let output: OutputStream?
    let destination: TargetDestination
    private let running = Mutex<TaskDownload?>(nil)

    /// `output`: where the content goes on from the destination's file; nil: it stays there.
    init(
        _ node: StandaloneNode,
        _ order: DownloadOrder,
        supernodes: [SupernodeAddress],
        to destination: TargetDestination,
        output: OutputStream?
    ) {
        self.node = node
        self.order = order
        self.supernodes = supernodes
        self.destination = destination
        self.output = output
    }

    /// Downloads; ends when cancelled.
    func run() async throws -> DownloadOutcome {
        try await output?.open()
        try await destination.resume()
        let download = try await node.engine.download(order.request, to: destination)
        running.withLock { $0 = download }
        return try await withTaskCancellationHandler {
            try await follow(download)
        } onCancel: {
            download.release()
        }
    }

    var progress: DownloadProgress {
        guard let (bytes, length, from) = running.withLock({ $0 })?.progress else { return DownloadProgress() }
        return DownloadProgress(bytes: bytes, length: length, from: from)
    }

    private func follow(_ download: TaskDownload) async throws -> DownloadOutcome {
        if let output { try await write(download, to: output) }
        let head = try await download.head()
        let from = try await download.completion()
        try output?.finish()
        let file = destination.file ?? head.file
        let digest = order.digest ?? destination.record?.digest
        return DownloadOutcome(bytes: file.layout.length ?? 0, digest: digest?.description, from: from)
    }

    /// Writes the content as it arrives.
    ///
    /// A download whose content changes at the origin goes on with the new version by itself; so does this for as long as
    /// nothing has gone out.
    private func write(_ download: TaskDownload, to output: OutputStream) async throws {
        var head = try await download.head()
        var version = 1
        while true {
            do {
                return try await output.write(head, of: download)
            } catch let error as StoreError where WireError(error).code == .generationMismatch {
                guard output.count == 0, version < DownloadOutput.mostVersions else { throw error }
                version += 1
                head = try await download.head(after: head)
            }
        }
    }

    /// What another process needs to go on offering the finished output; nil where no supernode knows of it.
    ///
    /// `port`: the piece server's.
    func handover(_ configuration: ToolConfiguration, port: Int) throws(ToolFailure) -> Handover? {
        guard let file = destination.file, let record = destination.record, let manifest = file.manifest,
            let id = order.request.taskID
        else { return nil }
        // The last one that was joined: the others before it did not answer.
        for address in supernodes.ordered(for: id).reversed() {
            guard let (registration, sequence) = node.engine.handover(of: address) else { continue }
            return Handover(
                configuration: printed(configuration.forServer(of: address, port: port)),
                registration: registration,
                sequence: sequence + 16,
                manifest: manifest,
                record: record,
                request: order.nodeRequest,
                name: node.identity.name,
                token: try configuration.node.cluster.token()
            )
        }
        return nil
    }
}

extension ToolConfiguration {
    /// The part that `dfget server` needs: it goes to no origin, and works in another directory.
    fileprivate func forServer(of supernode: SupernodeAddress, port: Int) -> ToolConfiguration {
        var configuration = self
        configuration.node.supernodes = [supernode]
        configuration.node.backends = []
        configuration.tls = TLS()
        configuration.node.cluster = ClusterConfiguration()
        if case .tcp(let host, _) = node.pieces.address.place {
            configuration.node.pieces.address = ListenAddress(.tcp(host: host, port: port))
        }
        configuration.node.supernodeCAFile = node.supernodeCAFile.map(Self.absolute)
        if var tls = node.pieces.tls {
            tls.certificate = Self.absolute(tls.certificate)
            tls.key = Self.absolute(tls.key)
            tls.clientCA = tls.clientCA.map(Self.absolute)
            configuration.node.pieces.tls = tls
        }
        return configuration
    }

    private static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : "\(FileManager.default.currentDirectoryPath)/\(path)"
    }
}
