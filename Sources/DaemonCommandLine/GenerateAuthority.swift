import ArgumentParser
import NodeAssembly

/// `dfdaemon gen-ca`.
struct GenerateAuthority: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gen-ca",
        abstract: "Make an authority for looking into HTTPS (hijack_https).",
        discussion: """
            Writes ca.crt and ca.key, and says what to do with them. Whoever has the key can pretend to be any server \
            towards those who trust the certificate: it stays on this machine, readable for dfdaemon alone.
            """
    )

    @Option(name: .customLong("out"), help: ArgumentHelp("Where the files go.", valueName: "directory"))
    var directory = "/etc/darter"

    @Option(help: ArgumentHelp("How long the authority is good.", valueName: "days"))
    var days = 3650

    @Flag(help: "Replace an authority that is there.")
    var force = false

    func validate() throws {
        guard (1...36500).contains(days) else { throw ValidationError("--days must be from 1 to 36500") }
    }

    func run() throws {
        print(try AuthorityFiles.make(in: directory, days: days, replacing: force).advice, terminator: "")
    }
}
