import NodeConfig
import PeerEngine
import Testing

@testable import NodeAssembly

@Suite struct DragonflyFlagsTests {
    @Test("What dfget's arguments still say")
    func meaning() throws {
        let flags = try DragonflyFlags([
            "--node", "10.0.0.1,10.0.0.2:8002=3", "-n=sn", "--verbose", "--ip", "192.168.33.23", "--port", "15001",
            "--expiretime", "3m0s", "-f", "a&b", "--filter=c", "-s", "10M", "--totallimit=20M", "--header", "X-A: b:c",
            "--notbs", "--dfdaemon", "--minrate", "1M", "--insecure",
        ])
        #expect(
            flags.supernodes.map(\.configText) == ["http://10.0.0.1:8002", "http://10.0.0.2:8002=3", "http://sn:8002"]
        )
        #expect(flags.filter == ["a", "b", "c"])
        #expect(flags.localLimit?.bytesPerSecond == 10 << 20)
        #expect(flags.totalLimit?.bytesPerSecond == 20 << 20)
        #expect(flags.headers == ["X-A": "b:c"])
        #expect(flags.notBackToSource && flags.verbose)
        #expect(flags.port == 15001)
        #expect(flags.meaningless == ["--ip", "--expiretime", "--minrate", "--insecure"])
    }

    @Test(
        "A flag that can not be understood is refused",
        arguments: [
            (["--node"], "without its value"), (["--node", "-f"], "without its value"), (["10.0.0.1"], "where a flag"),
            (["--totallimit", "fast"], "--totallimit that is not a rate"), (["--header", "x"], "name: value"),
            (["--node", "a b"], "--node that is not"), (["--port", "99999"], "no port"),
        ]
    )
    func mistakes(arguments: [String], expected: String) {
        let fault = #expect(throws: DragonflyFlags.Fault.self) { try DragonflyFlags(arguments) }
        #expect(fault?.message.contains(expected) == true, "\(String(describing: fault))")
    }
}
