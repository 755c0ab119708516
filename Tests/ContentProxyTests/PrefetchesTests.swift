import BackendAPI
import Content
import OriginFetch
import PeerEngine
import TestSupport
import Testing

@testable import ContentProxy

@Suite(.timeLimit(.minutes(1))) struct PrefetchesTests {
    private static let size = 1 << 20

    private func keep(_ seed: Int, _ rig: BlobRig, _ prefetches: Prefetches) async throws -> String {
        let bytes = randomBytes(Self.size, seed: UInt64(seed))
        let path = try rig.put(bytes)
        let url = try #require(ResourceURL("http://origin\(path)"))
        let download = try await rig.engine.download(.init(resource: Resource(url: url, digest: Digest.of(bytes))))
        prefetches.keep(download)
        download.release()
        return path
    }

    @Test("Those that bring next to nothing give their places to others")
    func stalled() async throws {
        try await withBlobs { rig in
            let jobs = BackgroundJobs()
            let running = Task { await jobs.run() }
            defer { running.cancel() }
            let prefetches = Prefetches(patience: .milliseconds(200), jobs: jobs)
            let pause = rig.origin.pause(at: 100_000)
            for seed in 0..<Prefetches.most { _ = try await keep(seed, rig, prefetches) }
            await pause.reached.wait()
            await eventually { prefetches.count == 0 }
            _ = rig.origin.pause(at: .max)
            let path = try await keep(99, rig, prefetches)
            await eventually { (try? rig.committed(path).count) == Self.size / (256 << 10) }
        }
    }

    @Test("A trickle counts as nothing, and what is all here needs no more")
    func progress() {
        #expect(Prefetches.progress(Prefetches.least - 1) == Prefetches.progress(0))
        #expect(Prefetches.progress(Prefetches.least) != Prefetches.progress(0))
        #expect(Prefetches.progress(nil) == nil)
    }
}
