import ArgumentParser
import DownloadTool
import Glibc
import Logging
import NodeAssembly
import NodeConfig
import PeerEngine

/// What every command of dfget takes.
struct CommonOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The configuration file.", valueName: "file"))
    var config: String?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Supernodes: host:port, optionally =weight; several with commas.", valueName: "list")
    )
    var node: [String] = []

    @Option(help: ArgumentHelp("The home directory of this machine's dfdaemon.", valueName: "directory"))
    var home: String?

    @Option(
        help: ArgumentHelp(
            "A PEM file with certificate authorities that dfget itself trusts besides the system's.",
            valueName: "file"
        )
    )
    var cacerts: [String] = []

    @Flag(help: "Log what is done, to standard error.")
    var console = false

    @Flag(help: "Log every detail, to standard error.")
    var verbose = false

    /// The configuration: the file over the defaults, these flags over the file.
    func settings() throws(ToolFailure) -> ToolConfiguration {
        var configuration = ToolConfiguration()
        do throws(ConfigError) {
            if let path = config ?? Self.usualFile { try ConfigFile.load(path: path, into: &configuration) }
        } catch {
            throw ToolFailure(.usage, error.description)
        }
        if let home { configuration.home = home }
        if !node.isEmpty { configuration.node.supernodes = try Self.supernodes(node) }
        guard cacerts.count <= 1 else {
            throw ToolFailure(.usage, "--cacerts takes one file: put all certificates into it")
        }
        if let file = cacerts.first {
            if let fault = CertificateFile.fault(file) { throw ToolFailure(.usage, "--cacerts \(fault)") }
            configuration.tls.caFile = file
            configuration.node.supernodeCAFile = file
        }
        return configuration
    }

    private static var usualFile: String? {
        access(ToolConfiguration.usualPath, F_OK) == 0 ? ToolConfiguration.usualPath : nil
    }

    private static func supernodes(_ lists: [String]) throws(ToolFailure) -> [SupernodeAddress] {
        var supernodes: [SupernodeAddress] = []
        for text in lists.flatMap({ $0.split(separator: ",") }) {
            guard let address = SupernodeAddress(text) else {
                throw ToolFailure(.usage, "--node: '\(text)' is no supernode such as host:8002 or host:8002=2")
            }
            supernodes.append(address)
        }
        return supernodes
    }

    func logger() -> Logger {
        let level: Logger.Level = verbose ? .debug : console ? .info : .error
        return Logger(label: "dfget") { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = level
            return handler
        }
    }
}
