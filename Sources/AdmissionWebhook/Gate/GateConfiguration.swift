package import NodeConfig
package import PeerEngine

/// What has to be well for images to be rewritten: the `gate:` section.
package struct GateConfiguration: Sendable, Hashable, Configurable {
    /// At least one of them has to be ready; none: they are not looked at.
    package var supernodes: [SupernodeAddress] = []
    /// The authority that signed the certificates of supernodes with https; none: the system's.
    package var supernodeCAFile: String?
    /// The DaemonSet of dfdaemon, in the webhook's own namespace; empty: it is not looked at.
    package var daemonSet = ""
    /// The least part of its pods that has to be ready.
    package var ready = Percentage(90)
    /// Between two looks.
    package var interval = Duration.seconds(5)

    package init() {}

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.list("supernodes", &supernodes)
        try fields.optional("supernode_ca_file", &supernodeCAFile)
        try fields.checkCertificates("supernode_ca_file", supernodeCAFile)
        try fields.value("daemonset", &daemonSet)
        try fields.check("daemonset", daemonSet.isEmpty || isObjectName(daemonSet), "must be the name of a DaemonSet")
        try fields.value("ready", &ready)
        try fields.value("interval", &interval)
        try fields.check("interval", interval >= .milliseconds(100), "must be at least 100ms")
    }

    /// Whether there is anything to look at.
    var looks: Bool { !supernodes.isEmpty || !daemonSet.isEmpty }
}

/// A part of a whole number of things.
package struct Percentage: Sendable, Hashable, ConfigValue {
    /// From 0 to 100.
    package let percent: Int

    init(_ percent: Int) { self.percent = percent }

    /// `90%`.
    package init?(configText: String) {
        guard configText.hasSuffix("%"), let percent = Int(configText: String(configText.dropLast())),
            (0...100).contains(percent)
        else { return nil }
        self.percent = percent
    }

    package var configText: String { "\(percent)%" }
    package static var expectation: String { "a percentage such as 90%" }

    /// Whether so many of so many are enough; of none never.
    package func isReached(by count: Int, of whole: Int) -> Bool {
        let (share, overflow) = count.multipliedReportingOverflow(by: 100)
        let (wanted, tooMuch) = whole.multipliedReportingOverflow(by: percent)
        return whole > 0 && !overflow && !tooMuch && share >= wanted
    }
}
