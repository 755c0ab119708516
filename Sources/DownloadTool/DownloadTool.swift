import BackendAPI
import CacheStore
package import Content
import Glibc
import HTTPService
package import Logging
import NodeAssembly
package import NodeConfig
import NodeControl
import PeerEngine
import WireAPI

/// dfget's work, once it is known what is wanted.
package struct DownloadTool: Sendable {
    /// How one run is to go about it, besides what the configuration says.
    package struct Manner: Sendable {
        /// The longest that it may take.
        package var timeout: Duration?
        /// What it must keep on average.
        package var minimumRate = Rate.unlimited
        /// Never through a daemon: something was asked for that only dfget itself can do.
        package var alone = false
        /// Show a progress line.
        package var showsProgress = false
        /// Who calls, for the supernode's list of peers.
        package var caller: String?
        /// Tells the user, in one line, what is not as it was asked for.
        package var warn: @Sendable (String) -> Void = { _ in }

        package init() {}
    }

    private let configuration: ToolConfiguration
    private let manner: Manner
    private let plugins: ToolPlugins
    private let logger: Logger

    package init(_ configuration: ToolConfiguration, _ manner: Manner, plugins: @escaping ToolPlugins, logger: Logger) {
        self.configuration = configuration
        self.manner = manner
        self.plugins = plugins
        self.logger = logger
    }

    /// Downloads, and leaves a server behind that goes on offering the output.
    ///
    /// `finished` is called once the output is there, before anything else is done.
    package func download(
        _ order: DownloadOrder,
        finished: @escaping @Sendable (Summary) -> Void
    ) async throws(ToolFailure) {
        try order.output.check()
        do {
            let start = ContinuousClock.now
            let links = Links(configuration, logger: logger)
            let report: @Sendable (DownloadOutcome) -> Void = { outcome in
                finished(summary(order, outcome, since: start))
            }
            if try await throughDaemon(order, links, report) { return }
            try await alone(order, links, report)
        } catch {
            throw ToolFailure(any: error)
        }
    }

    /// Checks what only shows when the configuration is used: its backends.
    package func check() throws(ToolFailure) {
        _ = try Links(configuration, logger: logger).backends(for: nil, plugins, logger)
    }

    /// Streams a file to a supernode.
    ///
    /// Returns the digest by which it can be fetched.
    package func put(_ path: String) async throws(ToolFailure) -> Digest {
        do {
            let links = Links(configuration, logger: logger)
            let put = PutFile(
                links: links,
                supernodes: configuration.node.supernodes,
                token: try configuration.node.cluster.token()
            )
            return try await put.run(path).digest
        } catch {
            throw ToolFailure(any: error)
        }
    }

    private func throughDaemon(
        _ order: DownloadOrder,
        _ links: Links,
        _ report: @escaping @Sendable (DownloadOutcome) -> Void
    ) async throws -> Bool {
        guard !manner.alone, access(configuration.socket, R_OK | W_OK) == 0 else { return false }
        logger.info("through dfdaemon", metadata: ["socket": "\(configuration.socket)"])
        let client = NodeControlClient(socket: configuration.socket, transport: links.transport, options: links.daemon)
        return try await withOutput(order, direct: true) { output, destination in
            let download = NodeDownload(client, order, limit: configuration.slowestDownload, to: output)
            let outcome = try await supervised(order) { forDisplay in
                await download.progress(asking: forDisplay)
            } work: {
                try await download.run()
            }
            if let outcome { report(outcome) }
            return outcome != nil
        }
    }

    private func alone(
        _ order: DownloadOrder,
        _ links: Links,
        _ report: @escaping @Sendable (DownloadOutcome) -> Void
    ) async throws {
        let supernodes = order.pattern == .source ? [] : configuration.node.supernodes
        logger.info("without dfdaemon", metadata: ["supernodes": "\(supernodes.map(\.configText))"])
        let node = try StandaloneNode(links, for: order, name: name, plugins: plugins, logger: logger)
        try await withOutput(order, direct: false) { output, destination in
            guard let destination else { return }
            let toOutput: OutputStream? = if case .stream(let output) = output { output } else { nil }
            let download = StandaloneDownload(
                node,
                order,
                supernodes: configuration.node.supernodes,
                to: destination,
                output: toOutput
            )
            try await node.run { listener in
                if let listener { try await warn(ofPort: listener) }
                let outcome = try await supervised(order) { _ in
                    download.progress
                } work: {
                    try await download.run()
                }
                report(outcome)
                guard toOutput == nil, let listener else { return }
                try await leaveServer(download, at: listener)
            }
        }
    }

    /// The configured port may be taken.
    private func warn(ofPort listener: HTTPListener) async throws {
        guard case .tcp(_, let port) = configuration.node.pieces.address.place, port != 0,
            let actual = try await listener.bound().port, actual != port
        else { return }
        manner.warn(
            "port \(port) is taken, perhaps by a server that an earlier dfget has left behind; pieces are at \(actual)"
        )
    }

    /// Hands what is finished to a background process, and ends this one without taking leave of the supernode.
    private func leaveServer(_ download: StandaloneDownload, at listener: HTTPListener) async throws {
        guard configuration.aliveTime > .zero, let file = download.destination.file else { return }
        let (port, socket) = (try await listener.bound().port ?? 0, try await listener.socket())
        do throws(ToolFailure) {
            let handover = try download.handover(configuration, port: port)
            guard let handover else { return }
            try handover.startServer(over: file.descriptor, socket, log: ServerLog.open(below: configuration.home))
        } catch {
            logger.warning("\(error.message)")
            return
        }
        _exit(ExitStatus.done.rawValue)
    }

    private func supervised<Value: Sendable>(
        _ order: DownloadOrder,
        progress: @escaping @Sendable (Bool) async -> DownloadProgress,
        work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let display = manner.showsProgress ? ProgressDisplay(name: order.output.name) : nil
        let supervision = Supervision(timeout: manner.timeout, minimumRate: manner.minimumRate, display: display)
        return try await supervision.run(progress: progress, work)
    }

    /// Opens the output for `body`, and after a failure keeps of it what the next run can use.
    ///
    /// `direct`: a stream needs no file.
    private func withOutput<Value>(
        _ order: DownloadOrder,
        direct: Bool,
        _ body: (DownloadOutput, TargetDestination?) async throws -> Value
    ) async throws -> Value {
        switch order.output {
        case .stream(let place):
            let output = OutputStream(place, verifying: order.digests)
            if direct { return try await body(.stream(output), nil) }
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            let destination = try target("\(directory.path)/content", order, verifying: [])
            defer { destination.abandon(keep: false) }
            return try await body(.stream(output), destination)
        case .file(let path):
            let destination = try target(path, order, verifying: order.digests)
            do {
                let value = try await body(.file(destination), destination)
                destination.abandon(keep: true)
                return value
            } catch {
                destination.abandon(keep: ![.mismatch, .notFound, .denied].contains(ToolFailure(any: error).status))
                throw error
            }
        }
    }

    private func target(
        _ path: String,
        _ order: DownloadOrder,
        verifying digests: [Digest]
    ) throws(ToolFailure) -> TargetDestination {
        guard let task = order.request.taskID else { throw ToolFailure(.usage, "what to fetch?") }
        return TargetDestination(path: path, task: task, verifying: digests, threads: WorkerThreads())
    }

    private var name: String {
        var bytes = [CChar](repeating: 0, count: 256)
        gethostname(&bytes, bytes.count - 1)
        let host = String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return "\(host) dfget \(getpid())" + (manner.caller.map { " for \($0)" } ?? "")
    }

    private func summary(
        _ order: DownloadOrder,
        _ outcome: DownloadOutcome,
        since start: ContinuousClock.Instant
    ) -> Summary {
        Summary(
            url: order.resource?.url,
            output: order.output.text,
            bytes: outcome.bytes,
            seconds: start.duration(to: .now).seconds,
            digest: outcome.digest.flatMap { Digest($0) },
            task: order.request.taskID ?? TaskID(url: ""),
            from: outcome.from
        )
    }
}
