import Certification
import Foundation
import HTTPService
import Logging
import Synchronization
import TestSupport
import Testing

@testable import AdmissionWebhook

/// The certificate that all replicas share.
@Suite struct CertificateKeeperTests {
    private static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private static let day = 86_400.0

    /// A time that a test sets.
    private final class Calendar: Sendable {
        private let days = Mutex(0.0)
        var now: Date { Date(timeIntervalSince1970: 1_800_000_000 + days.withLock { $0 } * 86_400) }
        func pass(days count: Double) { days.withLock { $0 += count } }
    }

    private func keeper(
        _ client: KubernetesClient,
        _ calendar: Calendar,
        hosts: [String] = ["darter-webhook.darter.svc"]
    ) -> CertificateKeeper {
        var configuration = CertificateConfiguration()
        configuration.secret = "tls"
        configuration.configuration = "darter"
        configuration.hosts = hosts
        return CertificateKeeper(configuration, client: client, tls: ServerTLS(), logger: Self.quiet) { calendar.now }
    }

    @Test("Whoever is first makes it, the others show the same, and every webhook trusts it")
    func first() async throws {
        try await withFakeCluster { cluster, client, _ in
            cluster.addWebhooks(2)
            let calendar = Calendar()
            let (one, other) = (keeper(client, calendar), keeper(client, calendar))
            #expect(one.trouble != nil)
            let step = try await one.look()
            #expect(step == .changed)
            #expect(one.trouble == nil)
            #expect(try await other.look() == .settled)
            #expect(one.shown == other.shown)
            #expect(one.shown?.certificate == cluster.kept("tls.crt"))
            #expect(one.shown?.key == cluster.kept("tls.key"))
            #expect(cluster.trusted(0) == cluster.kept("ca.crt"))
            #expect(cluster.trusted(1) == cluster.kept("ca.crt"))
            #expect(cluster[FakeCluster.secret]?["type"] == .string("kubernetes.io/tls"))
            let version = cluster.version
            #expect(try await one.look() == .settled)
            #expect(try await other.look() == .settled)
            #expect(cluster.version == version)
            #expect(cluster.tokens == ["Bearer secret-token"])
            await one.ready()
        }
    }

    @Test("A replica that was slower takes what the faster one has made")
    func race() async throws {
        try await withFakeCluster { cluster, client, _ in
            cluster.addWebhooks()
            let calendar = Calendar()
            let made = try ServerCertificate.make(
                for: ["darter-webhook.darter.svc"],
                lifetime: .seconds(365 * 86_400),
                now: calendar.now
            )
            @Sendable func put(_ cluster: FakeCluster) {
                cluster[FakeCluster.secret] = .object([
                    "metadata": .object(["name": .string("tls")]),
                    "data": .object([
                        "tls.crt": .string(Data(made.certificate.utf8).base64EncodedString()),
                        "tls.key": .string(Data(made.key.utf8).base64EncodedString()),
                        "ca.crt": .string(Data(made.authorities.pem.utf8).base64EncodedString()),
                    ]),
                ])
            }
            cluster.beforeTheNextWrite { put($0) }
            let created = keeper(client, calendar)
            _ = try await created.look()
            #expect(created.shown?.certificate == made.certificate)
            // The same where the Secret is there, but empty, as a chart may have made it.
            cluster[FakeCluster.secret] = .object(["metadata": .object(["name": .string("tls")])])
            cluster.beforeTheNextWrite { put($0) }
            let updated = keeper(client, calendar)
            _ = try await updated.look()
            #expect(updated.shown?.certificate == made.certificate)
        }
    }

    @Test("A change of the webhooks' configuration by somebody else is not undone")
    func configurationRace() async throws {
        try await withFakeCluster { cluster, client, _ in
            cluster.addWebhooks()
            let calendar = Calendar()
            let one = keeper(client, calendar)
            _ = try await one.look()
            cluster.addWebhooks()
            cluster.beforeTheNextWrite { $0.addWebhooks(3) }
            #expect(try await one.look() == .changed)
            for index in 0..<3 { #expect(cluster.trusted(index) == cluster.kept("ca.crt")) }
        }
    }

    @Test("It is renewed when a third of its time is left, and trusted together with the old one at every moment")
    func renewal() async throws {
        try await withFakeCluster { cluster, client, _ in
            cluster.addWebhooks()
            let calendar = Calendar()
            let (one, other) = (keeper(client, calendar), keeper(client, calendar))
            _ = try await one.look()
            _ = try await other.look()
            let old = try #require(one.shown)
            func isTrusted(_ keeper: CertificateKeeper) -> Bool {
                guard let shown = keeper.shown else { return false }
                return AuthorityBundle(pem: cluster.trusted()).contains(shown.authorities.first(1))
            }
            calendar.pass(days: 240)
            #expect(try await one.look() == .settled)
            calendar.pass(days: 10)
            #expect(try await one.look() == .changed)
            // The new one is there, and trusted; what is shown is the old one still, everywhere.
            #expect(cluster.kept("tls.crt") != old.certificate)
            #expect(one.shown == old)
            #expect(isTrusted(one) && isTrusted(other))
            #expect(AuthorityBundle(pem: cluster.trusted()).count == 2)
            #expect(try await one.look() == .settled)
            #expect(one.shown?.certificate == cluster.kept("tls.crt"))
            #expect(isTrusted(one) && isTrusted(other))
            #expect(try await other.look() == .settled)
            #expect(other.shown == one.shown)
            // A year later only the last two are trusted.
            calendar.pass(days: 250)
            _ = try await other.look()
            _ = try await other.look()
            #expect(isTrusted(other) && isTrusted(one))
            #expect(AuthorityBundle(pem: cluster.trusted()).count == 2)
            #expect(!AuthorityBundle(pem: cluster.trusted()).contains(old.authorities.first(1)))
        }
    }

    @Test("What can not be used in the Secret gives way, and what others have put there stays")
    func brokenSecret() async throws {
        try await withFakeCluster { cluster, client, _ in
            cluster.addWebhooks()
            let calendar = Calendar()
            for data in [
                JSONValue.null, .object([:]), .string("x"), .object(["tls.crt": .integer(7)]),
                .object(["tls.crt": .string("%%"), "tls.key": .string(""), "ca.crt": .string("")]),
                .object([
                    "tls.crt": .string(Data("x".utf8).base64EncodedString()), "tls.key": .string("eA=="),
                    "ca.crt": .string("eA=="), "mine": .string("eA=="),
                ]),
            ] {
                cluster[FakeCluster.secret] = .object([
                    "metadata": .object(["name": .string("tls"), "labels": .object(["a": .string("b")])]), "data": data,
                ])
                let keeper = keeper(client, calendar)
                _ = try await keeper.look()
                #expect(keeper.shown?.certificate == cluster.kept("tls.crt"))
                #expect(cluster[FakeCluster.secret]?["metadata"]?["labels"]?["a"] == .string("b"))
            }
            #expect(cluster[FakeCluster.secret]?["data"]?["mine"] == .string("eA=="))
        }
    }

    @Test("A Secret that is taken away is made again, and nobody is refused")
    func lostSecret() async throws {
        try await withFakeCluster { cluster, client, _ in
            cluster.addWebhooks()
            let calendar = Calendar()
            let one = keeper(client, calendar)
            _ = try await one.look()
            let old = try #require(one.shown)
            cluster[FakeCluster.secret] = nil
            _ = try await one.look()
            #expect(AuthorityBundle(pem: cluster.trusted()).contains(old.authorities))
            _ = try await one.look()
            #expect(one.shown?.certificate == cluster.kept("tls.crt"))
            #expect(one.shown != old)
        }
    }

    @Test("Another name wants another certificate, and an address may be written in any way")
    func names() async throws {
        try await withFakeCluster { cluster, client, _ in
            cluster.addWebhooks()
            let calendar = Calendar()
            _ = try await keeper(client, calendar).look()
            let first = cluster.kept("tls.crt")
            _ = try await keeper(client, calendar, hosts: ["a.svc", "10.0.0.1", "0:0::1"]).look()
            let second = cluster.kept("tls.crt")
            #expect(second != first)
            _ = try await keeper(client, calendar, hosts: ["::1", "a.svc"]).look()
            #expect(cluster.kept("tls.crt") == second)
            // Those who want the names from before do not begin again.
            _ = try await keeper(client, calendar).look()
            #expect(cluster.kept("tls.crt") == second)
        }
    }

    @Test("Trouble is told, and what is shown goes on")
    func trouble() async throws {
        try await withFakeCluster { cluster, client, account in
            let calendar = Calendar()
            let one = keeper(client, calendar)
            // The configuration may come later than the first replica.
            await #expect(throws: KubernetesError.self) { try await one.look() }
            #expect(one.shown != nil)
            cluster.addWebhooks()
            #expect(try await one.look() == .changed)
            cluster.isDown = true
            let error = await #expect(throws: KubernetesError.self) { try await one.look() }
            #expect(error?.description.contains("503: is down") == true, "\(String(describing: error))")
            #expect(one.shown != nil)
            cluster.isDown = false
            try "another".write(toFile: "\(account)/token", atomically: true, encoding: .utf8)
            #expect(try await one.look() == .settled)
            #expect(cluster.tokens == ["Bearer secret-token", "Bearer another"])
        }
    }

    @Test("The certificate is good for its names, and for no others")
    func verified() async throws {
        let made = try ServerCertificate.make(for: ["a.svc", "127.0.0.1"], lifetime: .seconds(2 * 86_400), now: Date())
        try await withTemporaryDirectory { directory in
            try made.certificate.write(toFile: "\(directory)/leaf.crt", atomically: true, encoding: .utf8)
            try made.authorities.pem.write(toFile: "\(directory)/ca.crt", atomically: true, encoding: .utf8)
            for (name, isGood) in [
                (["-verify_hostname", "a.svc"], true), (["-verify_hostname", "b.svc"], false),
                (["-verify_ip", "127.0.0.1"], true),
            ] {
                let arguments = ["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", "\(directory)/ca.crt"]
                let result = try await run(.init("openssl", arguments + name + ["\(directory)/leaf.crt"]))
                #expect(result.status.isSuccess == isGood, "\(result.errors)")
            }
        }
    }
}
