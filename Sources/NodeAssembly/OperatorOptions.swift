package import ArgumentParser
import CurlTransport
import Logging
import NodeConfig
import PeerEngine

/// What every command for those who run a cluster takes.
package struct OperatorOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The supernode's API.", valueName: "host:port"))
    package var supernode = "127.0.0.1:8002"

    @Option(help: ArgumentHelp("The file with the cluster's secret, as in cluster.token_file.", valueName: "file"))
    package var tokenFile: String?

    @Option(help: ArgumentHelp("A PEM file with the authority behind the supernode's certificate.", valueName: "file"))
    package var cacert: String?

    package init() {}

    /// Has `body` ask the supernode, prints what it returns, and ends the process.
    ///
    /// What goes wrong is one line on standard error, and exit code 1.
    package func run(_ body: (SupernodeOperator) async throws -> String) async -> Never {
        do {
            guard let address = SupernodeAddress(supernode) else {
                throw ConfigError(message: "--supernode: '\(supernode)' is no supernode such as host:8002")
            }
            if let fault = cacert.flatMap({ CertificateFile.fault($0) }) {
                throw ConfigError(message: "--cacert \(fault)")
            }
            var cluster = ClusterConfiguration()
            cluster.tokenFile = tokenFile
            let caller = SupernodeOperator(
                address,
                token: try NodeProcess.token(cluster),
                caFile: cacert,
                transport: CurlTransport(logger: Logger(label: "supernode") { _ in SwiftLogNoOpLogHandler() })
            )
            print(try await body(caller), terminator: "")
            ProcessOptions.leave(0)
        } catch {
            ProcessOptions.say("supernode: \(CommandFailure.line(error))")
            ProcessOptions.leave(1)
        }
    }
}
