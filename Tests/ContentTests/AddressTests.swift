import Content
import Testing

@Suite struct AddressTests {
    @Test(
        "An address reads what it writes",
        arguments: ["0.0.0.0", "192.0.2.7", "::", "::1", "2001:db8::7", "fe80::1:2", "::ffff:10.0.0.1"]
    )
    func addresses(text: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == text)
        #expect(IPAddress(bytes: address.bytes) == address)
    }

    @Test(
        "What is no address is refused",
        arguments: [
            "", "x", "1.2.3", "1.2.3.4.5", "01.2.3.4", "[::1]", "fe80::1%eth0", "1.2.3.4\u{0}", "::1 ", "1.2.3.4/8",
        ]
    )
    func noAddresses(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test("Other numbers of bytes than an address has are refused", arguments: [0, 3, 5, 15, 17])
    func sizes(count: Int) {
        #expect(IPAddress(bytes: Array(repeating: 1, count: count)) == nil)
    }

    @Test(
        "A network holds the addresses that begin with its bits",
        arguments: [
            ("10.0.0.0/8", [10, 255, 0, 1], true), ("10.0.0.0/8", [11, 0, 0, 1], false),
            ("10.1.2.3/8", [10, 9, 9, 9], true),
            ("127.0.0.1", [127, 0, 0, 1], true), ("127.0.0.1", [127, 0, 0, 2], false),
            ("0.0.0.0/0", [8, 8, 8, 8], true),
            ("172.16.0.0/12", [172, 31, 255, 255], true), ("172.16.0.0/12", [172, 32, 0, 0], false),
            ("::ffff:10.0.0.0/104", [10, 1, 1, 1], true), ("::/0", [10, 1, 1, 1], false),
            ("10.0.0.0/8", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 1, 2, 3], true),
            ("fd00::/8", [0xFD, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], true),
            ("fd00::/8", [0xFC, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], false),
        ] as [(String, [UInt8], Bool)]
    )
    func networks(text: String, address: [UInt8], inside: Bool) throws {
        let network = try #require(NetworkPrefix(text))
        #expect(network.contains(try #require(IPAddress(bytes: address))) == inside)
        #expect(NetworkPrefix(network.description) == network)
    }

    @Test(
        "What is no network is refused",
        arguments: [
            "", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0/8", "010.0.0.1", "fd00::/129", "fe80::1%eth0",
            "localhost", "10.0.0.1/8/8", "10.0.0.1\u{0}", "10.0.0.0/٨", "10.0.0.0/08", "١٠.0.0.1", "[::1]",
            "1.2.3.4" + String(repeating: "0", count: 5000),
        ]
    )
    func noNetworks(text: String) {
        #expect(NetworkPrefix(text) == nil)
    }

    @Test("Both loopback networks and nothing else are loopback")
    func loopback() throws {
        for (text, expected) in [
            ("127.9.9.9", true), ("::1", true), ("::ffff:127.0.0.1", true), ("::2", false), ("128.0.0.1", false),
        ] {
            let address = try #require(IPAddress(text))
            #expect(NetworkPrefix.loopback.contains { $0.contains(address) } == expected)
        }
    }
}
