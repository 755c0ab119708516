import BackendAPI
import ContentProxy
import FoundationEssentials
import HTTPService
import NodeConfig
import PeerEngine

/// The keys of Dragonfly 1's dfdaemon.yml that are none of ours, so that an existing file works as it is.
///
/// They are turned into keys of ours, which win where both are there.
package struct DragonflyKeys: Sendable {
    private var flags = DragonflyFlags()
    private var rateLimit: Rate?
    private var localLimit: Rate?
    private var port: Int?
    private var hostIP: String?
    private var certificate = ""
    private var privateKey = ""
    private var verbose = false
    private var peerPort: Int?
    /// Keys and flags that are there and without effect, in the words of the file.
    package private(set) var withoutEffect: [String] = []

    /// What is without effect in any case: files and processes that there are no more of, and what is known in other ways.
    private static let meaningless = [
        "localIP", "localrepo", "dfpath", "maxprocs", "workHome", "logConfig", "streamMode",
    ]

    package init() {}

    /// Visits the keys.
    mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        var arguments: [String] = []
        try fields.list("dfget_flags", &arguments)
        do throws(DragonflyFlags.Fault) {
            flags = try DragonflyFlags(arguments)
        } catch {
            throw fields.error("dfget_flags", "'dfget_flags' \(error.message)")
        }
        try fields.optional("ratelimit", &rateLimit)
        try fields.optional("localLimit", &localLimit)
        try fields.optional("port", &port)
        try fields.check("port", (1...65535).contains(port ?? 1), "must be a port from 1 to 65535")
        try fields.optional("hostIp", &hostIP)
        try fields.value("certpem", &certificate)
        try fields.value("keypem", &privateKey)
        try fields.check("keypem", certificate.isEmpty == privateKey.isEmpty, "certpem and keypem belong together")
        try fields.value("verbose", &verbose)
        try fields.optional("peerPort", &peerPort)
        try fields.check("peerPort", (0...65535).contains(peerPort ?? 0), "must be a port from 0 to 65535")
        for key in Self.meaningless {
            if fields.isGiven(key) { withoutEffect.append(key) }
            var ignored: RawConfig?
            try fields.raw(key, &ignored)
        }
    }

    /// Turns them into keys of ours, where those are not there themselves.
    mutating func apply(to configuration: inout DaemonConfiguration, _ fields: ConfigFields) throws(ConfigError) {
        let own = self
        withoutEffect += flags.meaningless.map { "dfget_flags: \($0)" }
        if port != nil || hostIP != nil || !certificate.isEmpty {
            apply("port, hostIp, certpem and keypem", unless: "proxy", fields) {
                let place = ListenAddress.Place.tcp(host: own.hostIP ?? "127.0.0.1", port: own.port ?? 65001)
                configuration.proxy.address = ListenAddress(place)
                if !own.certificate.isEmpty {
                    configuration.proxy.tls = ListenerConfiguration.TLS(
                        certificate: own.certificate,
                        key: own.privateKey
                    )
                }
            }
        }
        if let port = peerPort.flatMap({ $0 == 0 ? nil : $0 }) ?? flags.port {
            apply("the port of dfget's peer server", unless: "pieces", fields) {
                configuration.node.pieces.address = ListenAddress(.tcp(host: "::", port: port))
            }
        }
        if verbose || flags.verbose {
            apply("verbose", unless: "log", fields) { configuration.log.level = .debug }
        }
        if flags.notBackToSource {
            apply("dfget_flags: --notbs", unless: "peer", fields) { configuration.node.peer.backToSource = false }
        }
        if !flags.supernodes.isEmpty {
            if configuration.node.supernodes.isEmpty {
                configuration.node.supernodes = flags.supernodes
            } else {
                withoutEffect.append("dfget_flags: --node (there is supernodes:)")
            }
        }
        applyLimits(to: &configuration, fields)
        // Whatever a rule says of parameters itself comes besides.
        for index in configuration.rules.indices { configuration.rules[index].ignoredQuery += flags.filter }
        try applyHeaders(to: &configuration)
    }

    private mutating func applyLimits(to configuration: inout DaemonConfiguration, _ fields: ConfigFields) {
        let (total, each) = (flags.totalLimit ?? rateLimit, flags.localLimit ?? localLimit)
        guard total != nil || each != nil else { return }
        apply("ratelimit and its like", unless: "limits", fields) {
            if let total { configuration.node.limits.total.download = total }
            if let each { configuration.node.limits.task.download = each }
        }
    }

    /// dfget sent them to every origin.
    private func applyHeaders(to configuration: inout DaemonConfiguration) throws(ConfigError) {
        guard !flags.headers.isEmpty else { return }
        var entry = BackendEntry()
        entry.plugin = "http"
        // JSON is YAML.
        let json = (try? JSONEncoder().encode(["headers": flags.headers])) ?? Data()
        entry.options = try RawConfig(yaml: String(decoding: json, as: UTF8.self))
        configuration.node.backends.append(entry)
    }

    private mutating func apply(
        _ name: String,
        unless key: String,
        _ fields: ConfigFields,
        _ body: () -> Void
    ) {
        guard fields.isGiven(key) else { return body() }
        withoutEffect.append("\(name) (there is \(key):)")
    }
}

extension DaemonConfiguration {
    /// What there is to say of the file that was read, in a line; nil if there is nothing.
    package var notice: String? {
        let keys = dragonfly.withoutEffect + mirror.dragonfly.meaningless
        guard !keys.isEmpty else { return nil }
        return "without effect, of Dragonfly 1's keys: \(keys.joined(separator: ", ")); see docs/http-cache.md"
    }
}
