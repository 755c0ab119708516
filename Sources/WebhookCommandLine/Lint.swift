import AdmissionWebhook
import ArgumentParser
import NodeAssembly
import NodeConfig

/// `dfwebhook lint`.
struct Lint: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what would become of the images of manifests, and why the others stay.",
        discussion: """
            Pods and whatever has a template of one, in YAML or JSON, one or many in a file. The gate counts as open, and no network \
            is used.

            Exit codes: 0 all images were understood, 1 a file or an image was not, or there is none, 64 wrong usage, 78 wrong \
            configuration.
            """
    )

    @Option(help: ArgumentHelp("A file with manifests; may be given several times.", valueName: "file"))
    var pod: [String]

    @Option(help: ArgumentHelp("The webhook's configuration file; without, its defaults.", valueName: "file"))
    var config: String?

    @Option(help: ArgumentHelp("The namespace of manifests that name none.", valueName: "name"))
    var namespace = "default"

    @Flag(help: "Print the outcome as JSON.")
    var json = false

    func validate() throws {
        if pod.isEmpty { throw ValidationError("--pod must be given") }
    }

    func run() async {
        var file = RulesFile()
        do throws(ConfigError) {
            if let config { try ConfigFile.load(path: config, into: &file) }
        } catch {
            ProcessOptions.fail("dfwebhook", error)
        }
        do throws(ConfigError) {
            var manifests: [Manifest] = []
            for file in pod { manifests += try ManifestDocument.load(file) }
            guard !manifests.isEmpty else {
                throw ConfigError(message: "there is no manifest in \(pod.joined(separator: ", "))")
            }
            let report = LintReport(manifests, file.rules, namespace: namespace)
            print(json ? report.json : report.text, terminator: "")
            ProcessOptions.leave(report.isSound ? 0 : 1)
        } catch {
            ProcessOptions.fail("dfwebhook", Unreadable(description: error.description))
        }
    }
}

/// The rules of a webhook's configuration.
///
/// The other sections name files of its pod, which are nowhere else.
private struct RulesFile: Configurable {
    var rules = RewriteConfiguration()

    mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try rules.bind(&fields)
        for section in ["webhook", "health", "certificates", "kubernetes", "gate", "log"] {
            var unread: RawConfig?
            try fields.raw(section, &unread)
        }
    }
}

/// What is wrong with a manifest is not the configuration's fault.
private struct Unreadable: Error, CustomStringConvertible {
    let description: String
}
