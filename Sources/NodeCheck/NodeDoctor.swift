import ContentProxy
import CurlTransport
import Logging
package import NodeAssembly
package import RegistryProtocol
package import RuntimeSetup

/// Looks at a node from outside, as its container runtime does, and says what is wrong.
package struct NodeDoctor: Sendable {
    /// What is to be looked at.
    package struct Order: Sendable {
        /// This runtime must be set up; nil: those that are there are looked at.
        package var runtime: RuntimeName?
        /// Where the runtimes' configurations are.
        package var root = "/"
        /// An image to pull in part.
        package var image: ImageReference?
        /// What logs in at the image's registry.
        package var logins = DockerConfig()

        package init() {}
    }

    let configuration: DaemonConfiguration
    let order: Order
    let transport: CurlTransport
    let proxy: Probe
    let health: Probe

    package init(_ configuration: DaemonConfiguration, _ order: Order) {
        self.configuration = configuration
        self.order = order
        transport = CurlTransport(logger: Logger(label: "check") { _ in SwiftLogNoOpLogHandler() })
        proxy = Probe(configuration.proxy, transport)
        health = Probe(configuration.health, transport)
    }

    /// Looks at everything.
    package func examine() async -> Report {
        let (isListening, daemon) = await examineDaemon()
        var findings = daemon
        if isListening { findings += await examineRegistries() }
        findings += await examineSupernodes()
        findings.append(examineDisk())
        findings += examineRuntimes()
        if let image = order.image, isListening {
            let pull = ImagePull(image, runtime: order.runtime ?? .containerd, through: proxy, authorities: self)
            findings += await pull.run(order.logins)
        }
        await transport.shutdown()
        return Report(findings)
    }

    /// How the daemon itself asks a registry.
    func options(_ registry: MirroredRegistry?) -> TransferOptions {
        var options = TransferOptions()
        options.addresses = .guarded(allow: configuration.node.origin.allowAddresses)
        options.totalTimeout = .seconds(30)
        options.tls.caFiles = registry?.caFiles ?? []
        options.tls.verify = registry?.insecure != true
        return options
    }

    /// The configured registry of a host; nil for the remote and for those that are not configured.
    func registry(_ host: String) -> MirroredRegistry? {
        configuration.mirror.registries.first { $0.host.lowercased() == host.lowercased() }
    }

    private func examineDisk() -> Finding {
        let home = configuration.home
        guard let disk = DiskState.of(home) else {
            return Finding(
                .failed,
                "disk",
                "\(home) can not be looked at",
                remedy: "see whether its file system is mounted"
            )
        }
        return disk.finding(configuration.store, home: home)
    }
}
