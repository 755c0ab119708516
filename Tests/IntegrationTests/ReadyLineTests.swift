import TestSupport
import Testing

@Suite struct ReadyLineTests {
    @Test func tellsWhereAServerListens() throws {
        let line = "2026-01-01 info dfdaemon ready proxy=127.0.0.1:1 pieces=[::1]:2 socket=/a=b/dfdaemon.sock"
        let ready = try #require(ReadyLine(line, of: "dfdaemon"))
        #expect(try ready.value("proxy") == "127.0.0.1:1")
        #expect(try ready.value("pieces") == "[::1]:2")
        #expect(try ready.value("socket") == "/a=b/dfdaemon.sock")
        #expect(throws: RigError.self) { try ready.value("health") }
    }

    @Test(arguments: ["supernode ready api=127.0.0.1:1", "dfdaemon readying", "", "not dfdaemon"])
    func otherLinesAreNone(line: String) {
        #expect((ReadyLine(line, of: "dfdaemon") == nil))
    }
}
