import Content
import TestSupport
import Testing

@testable import CurlTransport

@Suite struct AddressPolicyTests {
    @Test(arguments: [
        "127.0.0.1", "127.255.0.9", "0.0.0.0", "0.1.2.3", "169.254.169.254", "224.0.0.1", "239.255.255.250",
        "255.255.255.255", "::", "::1", "fe80::1", "febf::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254",
        "::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::169.254.169.254", "64:ff9b:1::127.0.0.1",
        "64:ff9b:1:7f00:0:100::", "2002:7f00:1::", "2002:a9fe:a9fe::1", "fe80::1%eth0",
    ])
    func guardedRefusesWhatIsNobodysOrigin(text: String) throws {
        let address = try #require(IPAddress(withZone: text))
        #expect(!AddressPolicy.guarded(allow: []).permits(address))
        #expect(AddressPolicy.any.permits(address))
    }

    @Test(arguments: [
        "10.0.0.1", "192.168.1.1", "172.16.0.1", "8.8.8.8", "100.64.0.1", "1.1.1.1", "2001:db8::1", "fd00::1",
        "fec0::1", "::ffff:10.0.0.1", "64:ff9b::8.8.8.8", "2002:808:808::", "169.253.0.1", "128.0.0.1", "223.0.0.1",
    ])
    func guardedAllowsTheRest(text: String) throws {
        #expect(AddressPolicy.guarded(allow: []).permits(try #require(IPAddress(withZone: text))))
    }

    @Test(arguments: [
        ("10.1.2.3", true), ("172.16.0.1", true), ("172.31.255.1", true), ("192.168.0.1", true), ("100.64.0.1", true),
        ("100.127.0.1", true), ("fd00::1", true), ("fc12::1", true), ("::ffff:10.0.0.1", true),
        ("64:ff9b::10.0.0.1", true),
        ("8.8.8.8", false), ("172.32.0.1", false), ("172.15.0.1", false), ("100.128.0.1", false),
        ("192.169.0.1", false),
        ("2001:db8::1", false), ("fec0::1", false), ("11.0.0.1", false),
    ])
    func publicServersMayNotSendToPrivateNetworks(text: String, isPrivate: Bool) throws {
        let address = try #require(IPAddress(text))
        #expect(AddressPolicy.guarded(allow: []).permits(address, sentByPublic: true) == !isPrivate)
        #expect(AddressPolicy.guarded(allow: []).permits(address))
        #expect(AddressPolicy.any.permits(address, sentByPublic: true))
        let network = try #require(NetworkPrefix(text))
        #expect(AddressPolicy.guarded(allow: [network]).permits(address, sentByPublic: true))
    }

    @Test(arguments: [
        ("127.0.0.0/8", "127.0.0.1", true), ("127.0.0.0/8", "::ffff:127.0.0.1", true),
        ("127.0.0.1", "127.0.0.2", false),
        ("127.0.0.0/31", "127.0.0.1", true), ("127.0.0.0/31", "127.0.0.2", false), ("::1/128", "::1", true),
        ("fe80::/10", "febf::1", true), ("::1", "127.0.0.1", false), ("0.0.0.0/0", "169.254.1.1", true),
        ("::ffff:127.0.0.0/104", "::ffff:127.0.0.1", true), ("::ffff:127.0.0.0/104", "127.0.0.1", true),
    ])
    func prefixesAllow(prefix: String, text: String, expected: Bool) throws {
        let policy = AddressPolicy.guarded(allow: [try #require(NetworkPrefix(prefix))])
        #expect(policy.permits(try #require(IPAddress(withZone: text))) == expected)
    }

    @Test(arguments: ["", "x", "1.2.3", "1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/", "1.2.3.4/8/8", "::/129", "01.2.3.4/x"])
    func whatIsNoPrefixIsRefused(text: String) {
        #expect(NetworkPrefix(text) == nil)
    }

    @Test func loopbackIsRefusedUnlessAllowed() async throws {
        try await withScriptedServer { _ in
            .respond(body: [1])
        } body: { server in
            try await withTransport { transport in
                for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"] {
                    var request = TransferRequest(url: "http://\(host):\(server.port)/")
                    let error = await failure { try await transport.fetch(request) }
                    #expect(error?.code == .addressRefused, "\(host): \(String(describing: error))")
                    request.options.addresses = .guarded(allow: NetworkPrefix.loopback)
                    let response = try await transport.fetch(request)
                    #expect(response.body == [1], "\(host)")
                }
                #expect(server.requests.count == 3)
            }
        }
    }

    @Test func aConnectionOfALaxTransferIsNoWayAroundAStrictOne() async throws {
        try await withScriptedServer { _ in
            .respond(body: [1])
        } body: { server in
            try await withTransport { transport in
                _ = try await transport.fetch(TransferRequest(to: server.url()))
                let strict = TransferRequest(url: server.url())
                let error = await failure { try await transport.fetch(strict) }
                #expect(error?.code == .addressRefused)
                #expect(server.requests.count == 1)
            }
        }
    }

    @Test func aRedirectHopIsGuardedToo() async throws {
        try await withScriptedServer(host: "127.0.0.2") { _ in
            .respond(body: [1])
        } body: { target in
            try await withScriptedServer { _ in
                .redirect(to: target.url())
            } body: { server in
                try await withTransport { transport in
                    var request = TransferRequest(url: server.url())
                    request.options.addresses = .guarded(allow: [try #require(NetworkPrefix("127.0.0.1"))])
                    let error = await failure { try await transport.fetch(request) }
                    #expect(error?.code == .addressRefused)
                    #expect(target.connections == 0)
                }
            }
        }
    }
}
