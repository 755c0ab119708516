import CacheStore
import Content
import Testing

@Suite struct StressTests {
    /// Everybody creates, fills, shares, reads, evicts and removes the same few tasks under a tight quota.
    @Test(.timeLimit(.minutes(1))) func theAccountsBalanceUnderContention() async throws {
        try await withDirectory { directory in
            let store = try await openStore(directory, quota: 2_000_000)
            await withTaskGroup(of: Void.self) { group in
                for worker in 0..<8 {
                    group.addTask {
                        for round in 0..<40 { await work(store, (worker * 7 + round * 3) % 6, round) }
                    }
                }
            }
            await store.settled()
            try await expectBalance(store)
            await store.close()
            let again = try await openStore(directory)
            try await expectBalance(again)
            for record in again.records() { again.remove(record.task) }
            #expect(again.usage.used == 0)
            #expect(again.usage.reserved == 0)
            #expect(again.usage.objects == 0)
            await again.close()
        }
    }

    /// Tasks 4 and 5 have the same content.
    private func content(_ number: Int) -> [UInt8] { sample(500_000 + min(number, 4) * 10_000, seed: min(number, 4)) }

    private func work(_ store: CacheStore, _ number: Int, _ round: Int) async {
        let (name, bytes) = ("t\(number)", content(number))
        do {
            if round % 11 == 10 { store.remove(taskID(name)) }
            if round % 3 == 0, let file = try store.open(content: Digest.of(bytes)) {
                let read = try await file.readAll()
                #expect(read == bytes)
                return
            }
            let file = try store.create(
                taskID(name),
                generation: generation(UInt8(round / 20)),
                layout: PieceLayout(length: Int64(bytes.count)),
                metadata: [],
                contentHash: .sha256
            )
            if !file.isWhole { try await file.fill(bytes) }
            let read = try await file.readAll()
            #expect(read == bytes)
            try await store.complete(file, expecting: [Digest.of(bytes)], hashContent: true)
        } catch {
            // The quota holds fewer than work at the same time.
            #expect((error as? StoreError)?.code == .quotaExceeded, "\(error)")
        }
    }

    private func expectBalance(_ store: CacheStore) async throws {
        var contents: [Digest: Int64] = [:]
        var incomplete: (bytes: Int64, count: Int) = (0, 0)
        for record in store.records() {
            let length = record.layout.length ?? 0
            if case .complete(let digest?) = record.state {
                contents[digest] = length
                #expect(try await store.open(record.task)?.contentDigest(.sha256) == digest)
            } else {
                incomplete = (incomplete.bytes + length, incomplete.count + 1)
            }
        }
        #expect(store.usage.used == contents.values.reduce(incomplete.bytes, +))
        #expect(store.usage.objects == contents.count + incomplete.count)
        #expect(store.usage.used <= 2_000_000)
    }
}
