import ArgumentParser
import DownloadTool
import Glibc
import HTTPService
import NodeAssembly
import NodeConfig

/// How it is to be downloaded, and what is shown of it.
struct TransferFlags: ParsableArguments {
    @Option(
        name: [.customShort("s"), .long],
        help: ArgumentHelp("The most that this download takes, such as 20M.", valueName: "rate")
    )
    var locallimit: String?

    @Option(help: ArgumentHelp("The most that this process receives and sends in all.", valueName: "rate"))
    var totallimit: String?

    @Option(help: ArgumentHelp("Give up if it is slower than this for 30 seconds.", valueName: "rate"))
    var minrate: String?

    @Option(
        name: [.customShort("e"), .long],
        help: ArgumentHelp("The longest that it may take, such as 5m.", valueName: "duration")
    )
    var timeout: String?

    @Flag(help: "Do not verify an origin's certificate where dfget itself goes to the origin.")
    var insecure = false

    @Flag(name: [.customShort("b"), .long], help: "Show progress even where standard error is no terminal.")
    var showbar = false

    @Option(help: ArgumentHelp("The address to be known by.", valueName: "address"))
    var ip: String?

    @Option(help: ArgumentHelp("The port of the piece server, if it is free; otherwise any.", valueName: "number"))
    var port: Int?

    @Option(help: ArgumentHelp("The same as --alivetime; the shorter one counts.", valueName: "duration"))
    var expiretime: String?

    @Option(
        help: ArgumentHelp(
            "How long the file is offered to others while nobody asks for it; 0: not at all.",
            valueName: "duration"
        )
    )
    var alivetime: String?

    @Option(help: ArgumentHelp("Who calls, for the supernode's list.", valueName: "name"))
    var callsystem: String?

    @Flag(help: "Print one line of JSON about the download.")
    var json = false

    @Flag(name: .shortAndLong, help: "Show neither progress nor a summary.")
    var quiet = false

    /// Puts what was given over the configuration.
    func apply(to settings: inout ToolConfiguration) throws(ToolFailure) {
        if let rate = try Self.rate(locallimit, "--locallimit") { settings.node.limits.total.download = rate }
        if let rate = try Self.rate(totallimit, "--totallimit") { settings.totalLimit = rate }
        if insecure { settings.tls.insecure = true }
        if let ip { settings.ip = ip }
        if let port {
            guard (0...65535).contains(port) else { throw ToolFailure(.usage, "--port: \(port) is no port") }
            settings.node.pieces.address = ListenAddress(.tcp(host: "::", port: port))
        }
        let times = [try Self.duration(alivetime, "--alivetime"), try Self.duration(expiretime, "--expiretime")]
        if let time = times.compactMap({ $0 }).min() { settings.aliveTime = time }
    }

    /// `alone`: other flags ask for what only dfget itself can do.
    func manner(alone: Bool) throws(ToolFailure) -> DownloadTool.Manner {
        var manner = DownloadTool.Manner()
        manner.timeout = try Self.duration(timeout, "--timeout")
        manner.minimumRate = try Self.rate(minrate, "--minrate") ?? .unlimited
        manner.alone = alone || insecure || ip != nil || port != nil
        manner.showsProgress = !quiet && !json && (showbar || isatty(STDERR_FILENO) == 1)
        manner.caller = callsystem
        return manner
    }

    private static func rate(_ text: String?, _ flag: String) throws(ToolFailure) -> Rate? {
        guard let text else { return nil }
        guard let rate = Rate(configText: text) else {
            throw ToolFailure(.usage, "\(flag) wants \(Rate.expectation), not '\(text)'")
        }
        return rate
    }

    /// A bare number is seconds, as Dragonfly had it.
    private static func duration(_ text: String?, _ flag: String) throws(ToolFailure) -> Duration? {
        guard let text else { return nil }
        let seconds = text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int64(text) : nil
        guard let duration = seconds.map({ .seconds($0) }) ?? Duration(configText: text) else {
            throw ToolFailure(.usage, "\(flag) wants \(Duration.expectation), not '\(text)'")
        }
        return duration
    }
}
