import Certification
import Foundation
import Testing

/// A certificate with an authority of its own.
@Suite struct ServerCertificateTests {
    private static let day = 86_400.0
    private static let now = Date(timeIntervalSince1970: 1_800_000_000)

    private func made(
        _ hosts: [String] = ["a.svc"],
        days: Int64 = 90,
        before: AuthorityBundle = AuthorityBundle(),
        at time: Date = now
    ) throws -> ServerCertificate {
        try ServerCertificate.make(for: hosts, lifetime: .seconds(days * 86_400), before: before, now: time)
    }

    @Test("What was kept is read back to the same")
    func roundTrip() throws {
        let made = try made(["a.svc", "10.0.0.1", "2001:db8::1"])
        let bundle = AuthorityBundle(pem: made.authorities.pem)
        let read = try ServerCertificate(certificate: made.certificate, key: made.key, authorities: bundle)
        #expect(read == made)
        #expect(made.notAfter == Self.now.addingTimeInterval(90 * Self.day))
    }

    @Test("It is old when a third of its time is left, and good for the names that it has")
    func age() throws {
        let made = try made(["a.svc", "2001:db8::1"])
        func isOld(_ days: Double) -> Bool { made.isOld(at: Self.now.addingTimeInterval(days * Self.day)) }
        #expect(!isOld(0))
        #expect(!isOld(59))
        #expect(isOld(61))
        #expect(isOld(1000))
        #expect(made.covers([]))
        #expect(made.covers(["a.svc"]))
        #expect(made.covers(["2001:DB8:0::1"]))
        #expect(!made.covers(["b.svc"]))
        #expect(!made.covers(["a.svc", "b.svc"]))
    }

    @Test("The authority from before stays trusted for as long as it lasts, those before it do not")
    func authorities() throws {
        let first = try made()
        let second = try made(before: first.authorities, at: Self.now.addingTimeInterval(60 * Self.day))
        #expect(second.authorities.count == 2)
        #expect(second.authorities.contains(first.authorities))
        let third = try made(before: second.authorities, at: Self.now.addingTimeInterval(120 * Self.day))
        #expect(third.authorities.count == 2)
        #expect(third.authorities.contains(second.authorities.first(1)))
        #expect(!third.authorities.contains(first.authorities))
        let late = try made(before: first.authorities, at: Self.now.addingTimeInterval(100 * Self.day))
        #expect(late.authorities.count == 1)
    }

    @Test("What does not belong together is refused")
    func mismatches() throws {
        let (one, other) = (try made(), try made())
        for (certificate, key, authorities) in [
            (one.certificate, other.key, one.authorities), (one.certificate, one.key, other.authorities),
            (one.certificate, one.key, AuthorityBundle()), ("", one.key, one.authorities),
            (one.key, one.key, one.authorities),
            (one.certificate, one.certificate, one.authorities), (one.certificate, "x", one.authorities),
        ] {
            #expect(throws: CertificateAuthority.Fault.self) {
                try ServerCertificate(certificate: certificate, key: key, authorities: authorities)
            }
        }
    }

    @Test(
        "PEM that is none is no bundle",
        arguments: [
            "", "x", "-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE-----\neA==\n-----END CERTIFICATE-----\n",
            "-----BEGIN CERTIFICATE-----\n%%\n-----END CERTIFICATE-----\n", "\u{0}",
        ]
    )
    func noBundles(pem: String) {
        #expect(AuthorityBundle(pem: pem).count == 0)
        #expect(AuthorityBundle(pem: pem).pem.isEmpty)
    }
}
