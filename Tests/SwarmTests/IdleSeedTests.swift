import Content
import Synchronization
import TestSupport
import Testing

@testable import PeerEngine
@testable import SupernodeService

@Suite(.serialized, .timeLimit(.minutes(1))) struct IdleSeedTests {
    @Test("A node that only offers joins again once its call tells it that it was silent for too long")
    func joinsAgain() async throws {
        try await withSwarm { swarm in
            let bytes = randomBytes(1 << 20, seed: 1)
            let download = try await swarm.nodes[0].download(try swarm.put(bytes))
            #expect(try await content(of: download).elementsEqual(bytes))
            _ = try await download.completion()
            let supernode = swarm.supernodes[0]
            let task = try #require(supernode.service.tasks.task(download.taskID))
            let session = try supernode.session(of: swarm.nodes[0])
            await eventually { download.state.withLock { $0.toldEnd && $0.news.isEmpty } }
            // Nothing is left to be said, and no call under way says anything. The one that has said it stays open for long
            // unless it is answered; it may not have arrived yet.
            await eventually {
                session.notify(task.id)
                return download.state.withLock { $0.news.isEmpty && $0.sent.isEmpty }
            }
            supernode.service.takeOut(session)
            #expect(task.memberCount == 0)
            // As when the call has waited for long enough.
            session.notify(task.id)
            await eventually { task.memberCount == 1 }
        }
    }
}
