import Content
package import NodeConfig

/// The certificate that the webhook makes for itself: the `certificates:` section.
package struct CertificateConfiguration: Sendable, Hashable, Configurable {
    /// The Secret that it is kept in; empty: it makes none.
    package var secret = ""
    /// The MutatingWebhookConfiguration that has to trust it.
    package var configuration = ""
    /// The names that kube-apiserver calls the webhook by.
    package var hosts: [String] = []
    /// How long one is good.
    package var lifetime = Duration.seconds(365 * 86_400)

    package init() {}

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.value("secret", &secret)
        try fields.value("configuration", &configuration)
        try fields.list("hosts", &hosts)
        try fields.value("lifetime", &lifetime)
        try fields.check("lifetime", lifetime >= .seconds(86_400), "must be at least 1d")
        try fields.check("lifetime", lifetime <= .seconds(36_500 * 86_400), "must be at most 36500d")
        try fields.check("hosts", hosts.allSatisfy(Self.isHost), "must be names or addresses")
        guard !secret.isEmpty else { return }
        try fields.check("secret", isObjectName(secret), "must be the name of a Secret")
        try fields.check(
            "configuration",
            isObjectName(configuration),
            "must be the name of a MutatingWebhookConfiguration"
        )
        try fields.check("hosts", !hosts.isEmpty, "must be named, such as darter-webhook.darter.svc")
    }

    private static func isHost(_ text: String) -> Bool { isObjectName(text) || IPAddress(text) != nil }
}
