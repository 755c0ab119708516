import TestSupport
import Testing

@Suite struct FreePortTests {
    @Test func neverGivesTheSamePortTwice() {
        let ports = (0..<200).map { _ in FreePort.next() }
        #expect(Set(ports).count == ports.count)
    }
}
