import Content
import CurlTransport
import OriginFetch
import RateLimiting
import Synchronization
import TestSupport
import Testing
import WireAPI

@testable import PeerEngine

/// A download whose supernode is gone.
@Suite(.timeLimit(.minutes(1))) struct LostSupernodeTests {
    /// A download that a supernode directs, with one piece assigned from a parent that is not there.
    private func withDirected(
        _ body: (Idle, _ supernode: SupernodeAddress, PieceFetcher) async throws -> Void
    ) async throws {
        let transport = CurlTransport(logger: quiet)
        var options = TransferOptions()
        options.addresses = .any
        options.proxy = .none
        let address = try #require(SupernodeAddress("127.0.0.1:1"))
        let connection = SupernodeConnection(
            client: SupernodeClient(address: address, transport: transport, options: options),
            identity: NodeIdentity(name: "test"),
            configuration: PeerEngineConfiguration(),
            token: nil,
            logger: quiet
        )
        try await withIdleDownload { idle in
            idle.download.state.withLock { state in
                state.connection = connection
                // Whoever looks after a piece does so for hours.
                state.usualTime = .seconds(3600)
            }
            idle.download.receive(try idle.update([5], parents: [1]), from: idle.supernode)
            try await body(idle, address, PieceFetcher(transport: transport, options: options, limits: .unlimited))
        }
        await transport.shutdown()
    }

    @Test("It ends as soon as nothing is under way any more, and waits for nobody")
    func ends() async throws {
        try await withDirected { idle, address, fetcher in
            idle.download.lostSupernode(address)
            guard case .lost = await idle.download.transfer(with: fetcher) else {
                Issue.record("not lost")
                return
            }
            #expect(idle.download.report(for: 1)?.failed.map(\.piece.value) == [5])
        }
    }

    @Test("What is heard late of a supernode that was given up is not held against the next one")
    func another() async throws {
        try await withDirected { idle, _, fetcher in
            idle.download.lostSupernode(try #require(SupernodeAddress("127.0.0.1:2")))
            idle.download.lostRegistration()
            guard case .rejoin = await idle.download.transfer(with: fetcher) else {
                Issue.record("lost")
                return
            }
        }
    }
}
