import ArgumentParser
import NodeAssembly

/// `dfwebhook`, `dfwebhook serve`.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the webhook.",
        discussion: """
            Flags win over the configuration file, the file over the defaults. The file is read again when it changes, and on SIGHUP.

            Exit codes: 0 stopped by a signal, 1 could not run, 64 wrong usage, 78 wrong configuration.
            """
    )

    @OptionGroup var options: ProcessOptions

    func run() async {
        await options.run("dfwebhook") { (configuration: WebhookConfiguration) in
            try await WebhookProcess(configuration, path: options.config).run()
        }
    }
}
