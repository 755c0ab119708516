package import AdmissionWebhook
package import HTTPService
package import NodeConfig

/// The configuration of the admission webhook: `dfwebhook.yml`.
package struct WebhookConfiguration: ProcessConfiguration {
    /// What kube-apiserver calls.
    package var webhook = WebhookListenerConfiguration()
    /// Health and metrics.
    package var health = ListenerConfiguration(address: ListenAddress(.tcp(host: "::", port: 8080)))
    package var certificates = CertificateConfiguration()
    package var kubernetes = KubernetesConfiguration()
    package var rules = RewriteConfiguration()
    package var gate = GateConfiguration()
    package var log = LogConfiguration()

    package init() { health.accessLog = false }

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.section("webhook", &webhook)
        try fields.section("health", &health)
        try fields.section("certificates", &certificates)
        try fields.section("kubernetes", &kubernetes)
        try rules.bind(&fields)
        try fields.section("gate", &gate)
        try fields.section("log", &log)
    }

    /// What holds from the start of the process to its end, as text.
    var fixed: String {
        var copy = self
        copy.rules = RewriteConfiguration()
        copy.gate = GateConfiguration()
        return printed(copy)
    }
}

/// A listener whose clients are told of its end by somebody else.
package struct WebhookListenerConfiguration: Sendable, Configurable {
    package var listener = ListenerConfiguration(address: ListenAddress(.tcp(host: "::", port: 8443)))

    /// kube-apiserver hears of endpoints that go some time after they were told to, and does not ask again where one is gone.
    package init() { listener.notice = .seconds(5) }

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try listener.bind(&fields)
        try fields.value("notice", &listener.notice)
    }
}
