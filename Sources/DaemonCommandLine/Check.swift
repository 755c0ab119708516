import ArgumentParser
import NodeAssembly
import NodeCheck
import NodeConfig
import RegistryProtocol
import RuntimeSetup

/// `dfdaemon runtime check`.
struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Find out what is wrong between runtime, dfdaemon, supernodes and registries.",
        discussion: """
            Looks from outside, as a runtime does, at the dfdaemon of a configuration. One line for each finding, with what \
            to do about it. With an image, its manifest and one small blob are pulled the way the runtime would.

            Exit codes: 0 all is well, 1 something is wrong, 64 wrong usage.
            """
    )

    @Argument(help: "containerd, docker, crio or podman: it must be set up. Without: those that are set up.")
    var runtime: RuntimeName?

    @Option(help: ArgumentHelp("dfdaemon's configuration file; without, its defaults.", valueName: "file"))
    var config: String?

    @Option(help: ArgumentHelp("An image to pull in part, such as quay.io/org/app:v1.", valueName: "reference"))
    var image: String?

    @Option(help: ArgumentHelp("A docker config.json with logins for --image.", valueName: "file"))
    var authFile: String?

    @Option(help: ArgumentHelp("Where the runtimes' files are.", valueName: "directory"))
    var root = "/"

    @Flag(help: "Print the findings as JSON.")
    var json = false

    func validate() throws {
        if let image, ImageReference(image) == nil { throw ValidationError("--image: '\(image)' is no image") }
    }

    func run() async {
        let report = await report()
        print(json ? report.json : report.text, terminator: "")
        ProcessOptions.leave(report.ok ? 0 : 1)
    }

    private func report() async -> Report {
        var (configuration, order) = (DaemonConfiguration(), NodeDoctor.Order())
        do throws(ConfigError) {
            if let config { try ConfigFile.load(path: config, into: &configuration) }
            if let authFile { order.logins = try Logins.load(authFile) }
        } catch {
            return Report([Finding(.failed, "configuration", error.description, remedy: "correct the file")])
        }
        order.runtime = runtime
        order.root = root
        order.image = image.flatMap { ImageReference($0) }
        return await NodeDoctor(configuration, order).examine()
    }
}
