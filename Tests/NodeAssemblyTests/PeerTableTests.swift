import Content
import Testing
import WireAPI

@testable import NodeAssembly

@Suite struct PeerTableTests {
    private func peer(
        _ name: String,
        _ state: PeerState,
        _ adjust: (inout PeerListing) -> Void = { _ in }
    ) -> PeerListing {
        var peer = PeerListing(
            peer: PeerID(),
            name: name,
            address: "http://10.0.0.1:65002",
            labels: [:],
            uploadSlots: 1,
            tasks: 12,
            silentSeconds: 0,
            state: state
        )
        adjust(&peer)
        return peer
    }

    @Test("The troubled come first, with the reasons; blocked nodes that are away come last")
    func rows() {
        let peers = [
            peer("b", .healthy) { $0.slowTasks = 2 }, peer("a", .healthy),
            peer("quick", .quarantined) {
                $0.quarantineSeconds = 3.2
                $0.complaints = [ComplaintListing(reason: .timedOut, times: 5, addresses: 2)]
            },
            peer("bad", .blocked) { $0.blockReason = "disk" },
        ]
        let blocks = [
            BlockListing(address: "10.0.0.1:65002", reason: "disk", seconds: 1, peers: [peers[3].peer]),
            BlockListing(address: "10.0.0.9:1", reason: nil, seconds: 1, peers: []),
        ]
        #expect(
            PeerTable(peers, blocks).text == """
                NAME   ADDRESS         STATE        TASKS  WHY
                bad    10.0.0.1:65002  blocked      12     disk
                quick  10.0.0.1:65002  quarantined  12     4 s to go, 5 timedOut by 2
                a      10.0.0.1:65002  healthy      12
                b      10.0.0.1:65002  healthy      12     slow in 2
                -      10.0.0.9:1      blocked      -

                """
        )
    }

    @Test(
        "A peer's name can not move the terminal's cursor",
        arguments: ["a\u{1B}[2J", "a\u{9B}2J", "a\u{202E}b", "a\nb"]
    )
    func names(name: String) {
        let text = PeerTable([peer(name, .healthy)], []).text
        #expect(text.split(separator: "\n").count == 2)
        #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || !["\u{1B}", "\u{9B}", "\u{202E}"].contains($0) })
    }
}
