import BackendAPI
import CacheStore
import Content
import OriginFetch
import Synchronization
import TestSupport
import Testing

@Suite struct OriginFetcherTests {
    @Test("Small content takes one request, and every byte leaves the origin once")
    func smallContent() async throws {
        try await withOrigin { origin in
            let bytes = randomBytes(700_000, seed: 1)
            origin.backend.set(.init(bytes), at: origin.url)
            let file = try await origin.fetch()
            #expect(file.isWhole)
            #expect(try await file.contentDigest() == Digest.of(bytes))
            #expect(origin.backend.requests.count == 1)
            #expect(origin.backend.bytesSent == Int64(bytes.count))
        }
    }

    @Test("Large content comes by parallel ranges that neither overlap nor leave a gap")
    func largeContent() async throws {
        try await withOrigin(segment: 1 << 20) { origin in
            let bytes = randomBytes(40 << 20, seed: 2)
            origin.backend.set(.init(bytes), at: origin.url)
            let file = try await origin.fetch()
            #expect(try await file.contentDigest() == Digest.of(bytes))
            #expect(origin.backend.bytesSent == Int64(bytes.count))
            #expect(origin.backend.requests.count > 4)
            // Every request after the probe names the version it continues.
            #expect(origin.backend.requests.dropFirst().allSatisfy { $0.condition != nil })
        }
    }

    @Test("Empty content is complete at once")
    func emptyContent() async throws {
        try await withOrigin { origin in
            origin.backend.set(.init([]), at: origin.url)
            let file = try await origin.fetch()
            #expect(file.isWhole)
            #expect(file.layout.length == 0)
        }
    }

    @Test(
        "An origin without ranges or without a length is read as one stream",
        arguments: [true, false],
        [true, false]
    )
    func oneStream(grantsRanges: Bool, tellsLength: Bool) async throws {
        try await withOrigin { origin in
            let bytes = randomBytes(5_300_001, seed: 3)
            var object = MemoryBackend.Object(bytes)
            object.grantsRanges = grantsRanges
            object.tellsLength = tellsLength
            origin.backend.set(object, at: origin.url)
            let file = try await origin.fetch()
            #expect(file.layout.length == Int64(bytes.count))
            #expect(try await file.contentDigest() == Digest.of(bytes))
        }
    }

    @Test("A broken connection goes on at the byte where it broke")
    func resumesWithinTheFetch() async throws {
        try await withOrigin { origin in
            let bytes = randomBytes(3_000_000, seed: 4)
            origin.backend.set(.init(bytes), at: origin.url)
            origin.backend.fail(.closed(after: 1_000_000), .closed(after: 1_000_000))
            let file = try await origin.fetch()
            #expect(try await file.contentDigest() == Digest.of(bytes))
            #expect(origin.backend.requests.count == 3)
            #expect(origin.backend.bytesSent <= Int64(bytes.count) + 2 * 65_536)
        }
    }

    @Test("Without ranges a broken stream starts over and is the same in the end")
    func restartsWithoutRanges() async throws {
        try await withOrigin { origin in
            let bytes = randomBytes(2_000_000, seed: 5)
            var object = MemoryBackend.Object(bytes)
            object.grantsRanges = false
            origin.backend.set(object, at: origin.url)
            origin.backend.fail(.closed(after: 900_000))
            let file = try await origin.fetch()
            #expect(try await file.contentDigest() == Digest.of(bytes))
        }
    }

    @Test("Content without any validator is never put together from two responses")
    func noValidators() async throws {
        try await withOrigin { origin in
            let bytes = randomBytes(2_000_000, seed: 6)
            var object = MemoryBackend.Object(bytes)
            object.validators = Validators()
            object.grantsRanges = false
            origin.backend.set(object, at: origin.url)
            origin.backend.fail(.closed(after: 900_000))
            let generations = Mutex<[Generation]>([])
            let file = try await origin.fetch { file, _ in generations.withLock { $0.append(file.generation) } }
            #expect(try await file.contentDigest() == Digest.of(bytes))
            let seen = generations.withLock { $0 }
            #expect(seen.count == 2)
            #expect(Set(seen).count == 2)
        }
    }

    @Test(
        "Nor where the origin grants ranges without saying of which version",
        arguments: [1 << 20, 40 << 20],
        [nil, "W/\"same\""]
    )
    func weakValidators(size: Int, tag: String?) async throws {
        try await withOrigin { origin in
            func object(_ seed: UInt64) -> MemoryBackend.Object {
                var object = MemoryBackend.Object(randomBytes(size, seed: seed))
                object.validators = Validators(entityTag: tag)
                return object
            }
            let new = object(22)
            origin.backend.set(object(21), at: origin.url)
            // The first bytes are out: every later request meets another version that looks the same.
            origin.backend.fail(.closed(after: 600_000), .closed(after: 600_000))
            let file = try await origin.fetch { _, _ in origin.backend.set(new, at: origin.url) }
            #expect(try await file.contentDigest() == Digest.of(new.bytes))
        }
    }

    @Test("Content that changes on the way is fetched anew, never mixed")
    func changesOnTheWay() async throws {
        try await withOrigin { origin in
            let old = randomBytes(20 << 20, seed: 7)
            let new = randomBytes(18 << 20, seed: 8)
            origin.backend.set(.init(old), at: origin.url)
            let file = try await origin.fetch { _, record in
                // The first head is out: the next request meets another version.
                if record.validators.entityTag == MemoryBackend.Object(old).validators.entityTag {
                    origin.backend.set(.init(new), at: origin.url)
                }
            }
            #expect(try await file.contentDigest() == Digest.of(new))
        }
    }

    @Test(
        "Whatever the origin says that is final is passed on at once",
        arguments: [
            BackendError.Code.notFound, .unauthorized, .forbidden,
        ]
    )
    func finalErrors(code: BackendError.Code) async throws {
        try await withOrigin { origin in
            origin.backend.set(.init([1]), at: origin.url)
            origin.backend.fail(.failure(BackendError(code, "no")))
            let error = await #expect(throws: FetchError.self) { try await origin.fetch() }
            guard case .origin(let error)? = error else {
                Issue.record("not the origin's error: \(String(describing: error))")
                return
            }
            #expect(error.code == code)
            #expect(origin.backend.requests.count == 1)
        }
    }

    @Test("An origin that keeps failing is given up after the configured attempts")
    func givesUp() async throws {
        try await withOrigin { origin in
            origin.backend.set(.init([1]), at: origin.url)
            let fault = MemoryBackend.Fault.failure(BackendError(.unreachable, "down"))
            origin.backend.fail(fault, fault, fault, fault, fault, fault)
            await #expect(throws: FetchError.self) { try await origin.fetch() }
            #expect(origin.backend.requests.count == 4)
        }
    }

    @Test("Complete content that is unchanged is not fetched again")
    func revalidates() async throws {
        try await withOrigin { origin in
            let bytes = randomBytes(100_000, seed: 9)
            origin.backend.set(.init(bytes), at: origin.url)
            _ = try await origin.fetch()
            let before = origin.backend.bytesSent
            let record = try #require(origin.record)
            let outcome = try await origin.outcome(revalidating: record)
            guard case .notModified = outcome else {
                Issue.record("fetched again")
                return
            }
            #expect(origin.backend.bytesSent == before)
            origin.backend.set(.init(randomBytes(100_000, seed: 10)), at: origin.url)
            guard case .fetched(let file) = try await origin.outcome(revalidating: record) else {
                Issue.record("a change went unnoticed")
                return
            }
            #expect(try await file.contentDigest() == Digest.of(randomBytes(100_000, seed: 10)))
        }
    }

    @Test("Complete content that an origin sends again because it knows no 304 stays what it is")
    func sentAgain() async throws {
        try await withOrigin { origin in
            let bytes = randomBytes(3_000_000, seed: 12)
            origin.backend.set(.init(bytes), at: origin.url)
            func complete() async throws {
                let file = try await origin.fetch()
                _ = try await origin.store.complete(file, expecting: [], hashContent: true)
            }
            try await complete()
            try await complete()
            let kept = try #require(origin.destination.complete())
            #expect(try await kept.file.contentDigest() == Digest.of(bytes))
        }
    }

    @Test("A later process goes on with the pieces that are there")
    func resumesLater() async throws {
        try await withOrigin { origin in
            let bytes = randomBytes(8 << 20, seed: 11)
            origin.backend.set(.init(bytes), at: origin.url)
            let fault = MemoryBackend.Fault.closed(after: 3 << 20)
            let down = MemoryBackend.Fault.failure(BackendError(.unreachable, "down"))
            origin.backend.fail(fault, down, down, down, down)
            await #expect(throws: FetchError.self) { try await origin.fetch() }
            let before = origin.backend.bytesSent
            let file = try await origin.fetch()
            #expect(try await file.contentDigest() == Digest.of(bytes))
            #expect(origin.backend.bytesSent - before <= Int64(6 << 20))
        }
    }

    @Test("Content that has no room fails as the disk's fault")
    func noRoom() async throws {
        try await withOrigin(quota: 1 << 20) { origin in
            origin.backend.set(.init(randomBytes(2 << 20, seed: 12)), at: origin.url)
            let error = await #expect(throws: FetchError.self) { try await origin.fetch() }
            guard case .store(let error)? = error else {
                Issue.record("not the store's error: \(String(describing: error))")
                return
            }
            #expect(error.code == .quotaExceeded)
        }
    }
}
