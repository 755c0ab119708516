import CacheStore
import NodeAssembly
import PeerEngine
import Testing

@Suite struct StorePlaceTests {
    @Test(
        "A daemon's store is in its home, and makes pieces' digests only where a supernode may send somebody for them"
    )
    func place() throws {
        var configuration = DaemonConfiguration()
        configuration.home = "/somewhere"
        #expect(configuration.place.directory == "/somewhere")
        #expect(!configuration.place.servesPieces)
        configuration.node.supernodes = [try #require(SupernodeAddress("127.0.0.1:8002"))]
        #expect(configuration.place.servesPieces)
    }
}
