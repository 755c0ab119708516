import Certification
package import FoundationEssentials
package import HTTPService
package import Logging
import Metrics
import ServiceLifecycle
import Synchronization

/// Keeps the webhook's certificate in a Secret, the same for all replicas, and has kube-apiserver trust it.
///
/// Whoever finds none makes one, and whoever finds it old a new one, of a new authority; that the Secret has not changed meanwhile
/// is what lets only one of them do so. A new certificate is shown only a look after its authority was found among those that
/// kube-apiserver trusts, and the one from before stays among them: so every replica is trusted at every moment.
package final class CertificateKeeper: Service {
    private struct State {
        var shown: ServerCertificate?
        var trouble: String? = "there is no certificate yet"
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    /// What one look has come to.
    enum Step: Sendable, Hashable {
        /// All is as it is to be.
        case settled
        /// Something was changed: there is more to do, or to see, at the next look.
        case changed
    }

    /// How often in a row another replica may be faster.
    private static let attempts = 8

    /// The most names that a certificate has besides the configured ones.
    private static let mostOtherNames = 64

    private let configuration: CertificateConfiguration
    private let client: KubernetesClient
    private let tls: ServerTLS
    private let logger: Logger
    private let interval: Duration
    private let now: @Sendable () -> Date
    private let state = Mutex(State())

    /// A keeper that has `tls` show the certificate, and looks after each `interval`.
    package init(
        _ configuration: CertificateConfiguration,
        client: KubernetesClient,
        tls: ServerTLS,
        interval: Duration = .seconds(30),
        logger: Logger,
        now: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.configuration = configuration
        self.client = client
        self.tls = tls
        self.interval = interval
        self.logger = logger
        self.now = now
    }

    /// Why there is nothing to show to clients, for a person; nil: there is.
    package var trouble: String? { state.withLock { $0.shown == nil ? $0.trouble : nil } }

    /// What is shown to clients now.
    var shown: ServerCertificate? { state.withLock { $0.shown } }

    /// Returns when there is a certificate, or the task is cancelled.
    package func ready() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.shown != nil || Task.isCancelled { return true }
                    state.waiting.append(continuation)
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            wake()
        }
    }

    private func wake() {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Looks again and again until a graceful shutdown.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var told: String?
            while !Task.isCancelled {
                var pause = self.interval
                do {
                    if try await self.look() == .changed { pause = min(pause, .seconds(10)) }
                    told = nil
                } catch {
                    let text = "\(error)"
                    if text != told { self.logger.error("the certificate is not kept", metadata: ["error": "\(text)"]) }
                    told = text
                    Counter(label: "darter_webhook_errors_total", dimensions: [("reason", "certificate")]).increment()
                    self.state.withLock { $0.trouble = text }
                    pause = min(pause, self.trouble == nil ? .seconds(10) : .seconds(1))
                }
                try? await Task.sleep(for: pause)
            }
        }
        wake()
    }

    // MARK: One look

    /// Does what there is to do.
    func look() async throws -> Step {
        let kept = try await keep()
        let isTrusted: Bool
        do {
            isTrusted = try await publish(kept.authorities)
        } catch {
            // Better one that is not trusted yet than none: it will be.
            if shown == nil { try show(kept) }
            throw error
        }
        if shown == kept { return isTrusted ? .settled : .changed }
        // Nobody has trusted anything before the first one; afterwards kube-apiserver gets the time until the next look.
        guard shown == nil || isTrusted else { return .changed }
        try show(kept)
        return isTrusted ? .settled : .changed
    }

    private func show(_ certificate: ServerCertificate) throws {
        try tls.replace(certificatePEM: certificate.certificate, keyPEM: certificate.key)
        state.withLock { $0.shown = certificate }
        wake()
        Gauge(label: "darter_webhook_certificate_end_seconds").record(certificate.notAfter.timeIntervalSince1970)
        logger.info("showing a certificate", metadata: ["until": "\(certificate.notAfter)"])
    }

    /// The certificate that is in the Secret, a new one where there is none, or none that lasts.
    private func keep() async throws -> ServerCertificate {
        var conflict: KubernetesError?
        for _ in 0..<Self.attempts {
            do throws(KubernetesError) {
                let secret = try await secret()
                let kept = secret.flatMap(Self.certificate)
                let time = now()
                if let kept, !kept.isOld(at: time), kept.covers(configuration.hosts) { return kept }
                let before = kept?.authorities ?? shown?.authorities ?? AuthorityBundle()
                guard let made = try? make(over: kept, before, time) else { continue }
                try await write(made, over: secret)
                logger.notice("a new certificate is kept", metadata: ["secret": "\(configuration.secret)"])
                return made
            } catch {
                guard error.isConflict else { throw error }
                // Another replica was faster, as a rule.
                conflict = error
            }
        }
        throw conflict ?? KubernetesError(status: nil, description: "no certificate can be made")
    }

    /// Replicas that are configured for other names want theirs, too, and would take turns for ever otherwise: the names of one that
    /// is not old stay.
    private func make(
        over kept: ServerCertificate?,
        _ before: AuthorityBundle,
        _ now: Date
    ) throws -> ServerCertificate {
        var hosts = configuration.hosts
        if let kept, !kept.isOld(at: now) {
            hosts += kept.names.subtracting(hosts).sorted().prefix(Self.mostOtherNames)
        }
        return try ServerCertificate.make(
            for: hosts,
            lifetime: configuration.lifetime,
            before: before,
            now: now
        )
    }

    private var secrets: String { "/api/v1/namespaces/\(client.namespace)/secrets" }

    private func secret() async throws(KubernetesError) -> JSONValue? {
        do throws(KubernetesError) {
            return try await client.get("\(secrets)/\(configuration.secret)")
        } catch {
            guard error.isNotFound else { throw error }
            return nil
        }
    }

    private func write(_ made: ServerCertificate, over secret: JSONValue?) async throws(KubernetesError) {
        var object =
            secret
            ?? .object([
                "apiVersion": .string("v1"), "kind": .string("Secret"), "type": .string("kubernetes.io/tls"),
                "metadata": .object([
                    "name": .string(configuration.secret), "namespace": .string(client.namespace),
                    "labels": .object(["app.kubernetes.io/managed-by": .string("dfwebhook")]),
                ]),
            ])
        var data = object["data"] ?? .object([:])
        for (name, text) in [
            ("tls.crt", made.certificate), ("tls.key", made.key), ("ca.crt", made.authorities.pem),
        ] {
            data[name] = .string(Data(text.utf8).base64EncodedString())
        }
        object["data"] = data
        if secret == nil {
            _ = try await client.create(secrets, object)
        } else {
            _ = try await client.update("\(secrets)/\(configuration.secret)", object)
        }
    }

    private static func certificate(_ secret: JSONValue) -> ServerCertificate? {
        func text(_ name: String) -> String? {
            secret["data"]?[name]?.string.flatMap { Data(base64Encoded: $0) }.map {
                String(decoding: $0, as: UTF8.self)
            }
        }
        guard let certificate = text("tls.crt"), let key = text("tls.key"), let authorities = text("ca.crt")
        else { return nil }
        return try? ServerCertificate(
            certificate: certificate,
            key: key,
            authorities: AuthorityBundle(pem: authorities)
        )
    }

    // MARK: Trust

    /// Has kube-apiserver trust the authorities; whether it did before.
    private func publish(_ authorities: AuthorityBundle) async throws(KubernetesError) -> Bool {
        let path =
            "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/\(configuration.configuration)"
        var conflict: KubernetesError?
        for _ in 0..<Self.attempts {
            do throws(KubernetesError) {
                let object = try await client.get(path)
                let operations = Self.patch(object, authorities)
                if operations.isEmpty { return true }
                _ = try await client.patch(path, operations)
                logger.notice("kube-apiserver trusts the certificate", metadata: ["configuration": "\(path)"])
                return false
            } catch {
                guard error.isConflict else { throw error }
                conflict = error
            }
        }
        throw conflict ?? KubernetesError(status: nil, description: "\(path) can not be changed")
    }

    /// What makes all webhooks of a configuration trust the authorities; none where they do.
    ///
    /// More may be trusted, such as that of a replica which is ahead.
    static func patch(_ object: JSONValue, _ authorities: AuthorityBundle) -> [PatchOperation] {
        let pem = JSONValue.string(Data(authorities.pem.utf8).base64EncodedString())
        var operations: [PatchOperation] = []
        for (index, webhook) in (object["webhooks"]?.array ?? []).enumerated() {
            guard let client = webhook["clientConfig"], case .object = client else { continue }
            let bundle = client["caBundle"]?.string.flatMap { Data(base64Encoded: $0) } ?? Data()
            let trusted = AuthorityBundle(pem: String(decoding: bundle, as: UTF8.self))
            if trusted.contains(authorities) { continue }
            operations.append(.add(JSONPointer("webhooks", String(index), "clientConfig", "caBundle"), pem))
        }
        guard !operations.isEmpty, let version = object["metadata"]?["resourceVersion"] else { return operations }
        return [.test(JSONPointer("metadata", "resourceVersion"), version)] + operations
    }
}
