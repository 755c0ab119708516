import NodeAssembly
import NodeConfig
import Testing

@testable import PeerEngine

/// A supernode that dies, or says nothing any more, costs a node's clients no more than a second.
@Suite struct FirstByteTests {
    @Test("A download waits for less than a second before it leaves a supernode that dies or freezes for the origin")
    func waits() {
        var outage = SupernodeOutage()
        let start = ContinuousClock.now
        let peer = DaemonConfiguration().node.peer
        // Two calls are open when it dies; the next one finds nobody.
        _ = outage.failed(isRefusal: true, failover: peer.failover, at: start)
        _ = outage.failed(isRefusal: true, failover: peer.failover, at: start)
        let look = outage.delay(isRefusal: true, chance: 1)
        let givesUp = outage.failed(isRefusal: true, failover: peer.failover, at: start + look)
        #expect(givesUp)
        #expect(max(look, peer.silence) + peer.backToSourceDelay < .seconds(1))
    }

    @Test("dfget keeps its own delay: many of them start at the same time")
    func tool() { #expect(PeerEngineConfiguration().backToSourceDelay == .seconds(2)) }
}
