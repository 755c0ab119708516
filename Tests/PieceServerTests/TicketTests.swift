import Content
import PieceServer
import Testing

@Suite struct TicketTests {
    private let task = TaskID(content: Digest.of("content"))
    private let generation = Generation(content: Digest.of("content"))
    private let parent = PeerID()
    private let peer = PeerID()
    private let key = PeerKey()

    private func ticket(expiry: Int64 = 1000) -> Ticket {
        Ticket(task: task, generation: generation, parent: parent, peer: peer, expiry: expiry, key: key)
    }

    @Test("A ticket survives the way over the wire and is good until it expires")
    func roundTrip() throws {
        let read = try #require(Ticket(ticket().description))
        #expect(read == ticket())
        #expect(read.parent == parent)
        #expect(read.isValid(task: task, generation: generation, key: key, now: 999))
        #expect(!read.isValid(task: task, generation: generation, key: key, now: 1000))
    }

    @Test("A ticket is good for nothing else")
    func nothingElse() {
        let other = TaskID(content: Digest.of("other"))
        let later = Generation(length: 1, validator: "v2")
        #expect(!ticket().isValid(task: other, generation: generation, key: key, now: 0))
        #expect(!ticket().isValid(task: task, generation: later, key: key, now: 0))
        #expect(!ticket().isValid(task: task, generation: generation, key: PeerKey(), now: 0))
    }

    @Test("A changed ticket is worthless: its expiry, its peer, its code", arguments: [1, 2, 3, 4])
    func tampering(field: Int) throws {
        var parts = ticket().description.split(separator: ".").map(String.init)
        switch field {
        case 1, 2: parts[field] = PeerID().description
        case 3: parts[3] = "999999"
        default: parts[4] = String(repeating: "0", count: 64)
        }
        let forged = try #require(Ticket(parts.joined(separator: ".")))
        #expect(!forged.isValid(task: task, generation: generation, key: key, now: 0))
    }

    @Test(
        "What is no ticket is not read as one",
        arguments: [
            "", "1", "1....", "2.a.b.c.d", "1.zz.zz.1.zz", "1.\(PeerID()).\(PeerID()).99999999999999999999.00",
            "1.\(PeerID()).\(PeerID()).-5.\(String(repeating: "0", count: 64))",
            "1.\(PeerID()).\(PeerID()).٣.\(String(repeating: "0", count: 64))",
        ]
    )
    func malformed(text: String) {
        #expect(Ticket(text) == nil)
    }

    @Test("A key never shows itself")
    func keyIsSecret() throws {
        #expect("\(key)" == "(key)")
        #expect(key.matches(key.reveal()))
        #expect(!key.matches(PeerKey().reveal()))
        #expect(!key.matches(""))
        #expect(PeerKey(hex: key.reveal()) == key)
        #expect(PeerKey(hex: "00") == nil)
    }
}
