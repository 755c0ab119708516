import BackendAPI
import CacheStore
import Content
import Foundation
import OriginFetch
import TestSupport
import Testing
import WireAPI

@testable import SupernodeService

@Suite(.timeLimit(.minutes(1))) struct JoinTests {
    @Test("A joiner waits for the origin's answer and is told what it said")
    func waitsForHead() async throws {
        try await withSupernode { rig in
            let bytes = randomBytes(700_000, seed: 1)
            let url = try rig.put(bytes, at: "http://origin/file")
            let gate = rig.origin.hold(url)
            let peer = try rig.peer()
            let joining = Task { try await rig.join(peer, url) }
            await gate.reached.wait()
            #expect(rig.supernode.tasks.all.first?.memberCount == 0)
            gate.open()
            let answer = try await joining.value
            #expect(answer.task == Resource(url: url).taskID)
            #expect(answer.length == 700_000)
            #expect(answer.headers["Content-Type"] == "application/octet-stream")
            #expect(rig.supernode.tasks.all.first?.memberCount == 1)
        }
    }

    @Test("However many join, the origin is asked once")
    func oneFetch() async throws {
        try await withSupernode { rig in
            let bytes = randomBytes(300_000, seed: 2)
            let url = try rig.put(bytes, at: "http://origin/file")
            let gate = rig.origin.hold(url)
            let joining = try (0..<30).map { number in
                let peer = try rig.peer("peer\(number)")
                return Task.immediate { try await rig.join(peer, url) }
            }
            await gate.reached.wait()
            gate.open()
            var generations: Set<Generation> = []
            for task in joining { generations.insert(try await task.value.generation) }
            #expect(generations.count == 1)
            #expect(rig.origin.memory.requests.count == 1)
            #expect(rig.origin.memory.bytesSent == 300_000)
        }
    }

    @Test(
        "An origin's no is told to its registrant only; the others go on with their own source",
        arguments: [
            (BackendError.Code.notFound, WireError.Code.originNotFound),
            (.unauthorized, .originUnauthorized), (.forbidden, .originForbidden), (.refused, .sourceRefused),
        ]
    )
    func faultOfOne(code fault: BackendError.Code, told: WireError.Code) async throws {
        try await withSupernode { rig in
            let bytes = randomBytes(300_000, seed: 3)
            let digest = Digest.of(bytes)
            let good = try rig.put(bytes, at: "http://good/file")
            let bad = try #require(ResourceURL("http://bad/file"))
            let (first, second) = (try rig.peer("first"), try rig.peer("second"))
            rig.origin.memory.fail(.failure(BackendError(fault, "no", challenges: ["Basic realm=\"x\""])))
            let gate = rig.origin.hold(bad)
            let refused = Task {
                await code { () async throws(WireError) in try await rig.join(first, bad, digest: digest) }
            }
            await gate.reached.wait()
            let served = Task.immediate { try await rig.join(second, good, digest: digest) }
            gate.open()
            #expect(await refused.value == told)
            #expect(try await served.value.length == 300_000)
            // Whoever was refused once may come again.
            #expect(await code { () async throws(WireError) in try await rig.join(first, good, digest: digest) } == nil)
        }
    }

    @Test("Nobody is refused for a source of somebody else that failed before")
    func afterFailure() async throws {
        try await withSupernode { rig in
            let bytes = randomBytes(300_000, seed: 4)
            let digest = Digest.of(bytes)
            let good = try rig.put(bytes, at: "http://good/file")
            let bad = try #require(ResourceURL("http://bad/file"))
            let (first, second) = (try rig.peer("first"), try rig.peer("second"))
            #expect(
                await code { () async throws(WireError) in try await rig.join(first, bad, digest: digest) }
                    == .originNotFound
            )
            #expect(try await rig.join(second, good, digest: digest).length == 300_000)
        }
    }

    @Test("A digest that the content does not have fails its source, and members of the wrong content join again")
    func wrongDigest() async throws {
        try await withSupernode { rig in
            let right = randomBytes(600_000, seed: 5)
            let digest = Digest.of(right)
            let bad = try rig.put(randomBytes(600_000, seed: 6), at: "http://bad/file")
            let good = try rig.put(right, at: "http://good/file")
            let (first, second) = (try rig.peer("first"), try rig.peer("second"))
            let badGate = rig.origin.hold(bad)
            let goodGate = rig.origin.hold(good)
            let early = Task { try await rig.join(first, bad, digest: digest) }
            await badGate.reached.wait()
            let late = Task.immediate { try await rig.join(second, good, digest: digest) }
            badGate.open()
            let joined = try await early.value
            // The second source is asked only once the first one's content has been found to be wrong.
            await goodGate.reached.wait()
            let task = try #require(rig.supernode.tasks.task(joined.task))
            #expect(!task.hasPublished(PieceIndex(2)))
            goodGate.open()
            _ = try await late.value
            await eventually { task.isComplete }
            await rig.settled(task.id)
            let report = TaskReport(task: joined.task, generation: joined.generation, window: 4)
            let told = try await rig.exchange(first, 1, wait: 5_000, report)
            #expect(told.map(\.state) == [.changed])
            let again = try await rig.join(first, good, digest: digest)
            #expect(again.manifest.digests[PieceIndex(2)] == Digest.of(Array(right[524_288...])))
        }
    }

    @Test(
        "Content whose only source has a wrong digest fails for everybody who waits for it",
        arguments: [600_000, 0]
    )
    func onlyWrongDigest(byteCount: Int) async throws {
        try await withSupernode { rig in
            let bad = try rig.put(randomBytes(byteCount, seed: 7), at: "http://bad/file")
            let peer = try rig.peer()
            let digest = Digest.of("other")
            let joined: TaskRegistrationResponse
            do throws(WireError) {
                joined = try await rig.join(peer, bad, digest: digest)
            } catch {
                #expect(error.code == .digestMismatch)
                return
            }
            let report = TaskReport(task: joined.task, generation: joined.generation, window: 0)
            var updates: [TaskUpdate] = []
            var sequence: UInt64 = 0
            while !updates.contains(where: { $0.state != .running }) {
                sequence += 1
                updates += try await rig.exchange(peer, sequence, wait: 5_000, report)
            }
            #expect(updates.last?.state == .failed)
            #expect(updates.last?.error?.code == .digestMismatch)
            // Told again, should that have been lost: not to join anew, which would fetch the same once more.
            #expect(try await rig.exchange(peer, sequence + 1, report).map(\.state) == [.failed])
        }
    }

    @Test("An MD5 that one registrant names spoils the task for nobody")
    func wrongMD5() async throws {
        try await withSupernode { rig in
            let url = try rig.put(randomBytes(100_000, seed: 8), at: "http://origin/file")
            let (first, second) = (try rig.peer("first"), try rig.peer("second"))
            let joined = try await rig.join(first, url, digest: Digest.of("other", .md5))
            #expect(joined.digest == nil)
            let task = try #require(rig.supernode.tasks.task(joined.task))
            await eventually { task.isComplete || task.failure != nil }
            #expect(task.isComplete)
            #expect(try await rig.join(second, url).generation == joined.generation)
            #expect(
                await code { () async throws(WireError) in try await rig.join(first, nil, digest: Digest.of("x", .md5))
                }
                    == .invalidRequest
            )
        }
    }

    @Test("What breaks off is continued at the next join, which is answered before the rest has come")
    func continues() async throws {
        try await withSupernode { rig in
            let bytes = randomBytes(40 << 20, seed: 9)
            let url = try rig.put(bytes, at: "http://origin/file")
            let peer = try rig.peer()
            rig.origin.memory.fail(.closed(after: 3 << 20))
            let first = try await rig.join(peer, url)
            await eventually { rig.supernode.tasks.task(first.task)?.failure != nil }
            let before = rig.origin.memory.bytesSent
            let second = try await rig.join(peer, url)
            #expect(second.generation == first.generation)
            let task = try #require(rig.supernode.tasks.task(second.task))
            await eventually { task.isComplete || task.failure != nil }
            #expect(task.isComplete)
            #expect(rig.origin.memory.bytesSent - before <= Int64(bytes.count) - (2 << 20))
        }
    }

    @Test("Offering what nobody wants does not make the supernode fetch it")
    func offersOnly() async throws {
        try await withSupernode { rig in
            let url = try rig.put(randomBytes(100_000, seed: 10), at: "http://origin/file")
            let (first, second) = (try rig.peer("first"), try rig.peer("second"))
            #expect(
                await code { () async throws(WireError) in try await rig.join(first, url, offersOnly: true) }
                    == .unknownTask
            )
            #expect(rig.origin.memory.requests.isEmpty)
            let joined = try await rig.join(first, url)
            let task = try #require(rig.supernode.tasks.task(joined.task))
            await eventually { task.isComplete }
            await rig.settled(task.id)
            let asked = rig.origin.memory.requests.count
            // It is stale by now, but whoever only offers it needs nothing new.
            _ = try await rig.join(second, url, offersOnly: true)
            #expect(rig.origin.memory.requests.count == asked)
        }
    }

    @Test("What the origin would have to confirm is not wanted of those who only offer it, until somebody else asks")
    func offersStale() async throws {
        try await withSupernode { rig in
            let url = try #require(ResourceURL("http://origin/file"))
            var object = MemoryBackend.Object(randomBytes(100_000, seed: 12))
            object.validators.entityTag = "\"v\""
            rig.origin.memory.set(object, at: url)
            let (first, second) = (try rig.peer("first"), try rig.peer("second"))
            let joined = try await rig.join(first, url)
            await eventually { rig.supernode.tasks.task(joined.task)?.isComplete == true }
            await rig.settled(joined.task)
            // As after a restart: the store has it, no task is at work.
            rig.supernode.leave(first)
            rig.pass(.seconds(20))
            #expect(rig.supernode.tasks.task(joined.task) == nil)
            let asked = rig.origin.memory.requests.count
            #expect(
                await code { () async throws(WireError) in try await rig.join(second, url, offersOnly: true) }
                    == .unknownTask
            )
            #expect(rig.supernode.tasks.count == 0)
            #expect(rig.origin.memory.requests.count == asked)
            #expect(try await rig.join(try rig.peer("third"), url).generation == joined.generation)
            #expect(try await rig.join(second, url, offersOnly: true).generation == joined.generation)
        }
    }

    @Test("Names of peers and headers that would hide secrets are refused", arguments: ["Authorization", "cookie"])
    func refusals(field: String) async throws {
        try await withSupernode { rig in
            let url = try rig.put([1], at: "http://origin/file")
            let peer = try rig.peer()
            let request = TaskRegistrationRequest(url: url, headers: HeaderFields([(field, "secret")]))
            #expect(
                await code { () async throws(WireError) in try await rig.supernode.join(request, peer) }
                    == .invalidRequest
            )
            #expect(await code { () async throws(WireError) in try await rig.join(peer, nil) } == .invalidRequest)
            #expect(throws: WireError.self) { try rig.peer("a\nname over two lines") }
        }
    }

    @Test("Credentials and signed queries appear in no log, listing or record")
    func secrets() async throws {
        try await withSupernode { rig in
            let secret = "S3CRET"
            let url = try rig.put(
                randomBytes(100_000, seed: 11),
                at: "http://origin/file?signature=\(secret)",
                credentials: ["Authorization": "Bearer \(secret)"]
            )
            let peer = try rig.peer()
            _ = await code { () async throws(WireError) in
                try await rig.join(peer, url, credentials: ["Authorization": "Bearer wrong-\(secret)"])
            }
            let joined = try await rig.join(peer, url, credentials: ["Authorization": "Bearer \(secret)"])
            let task = try #require(rig.supernode.tasks.task(joined.task))
            await eventually { task.isComplete }
            await rig.settled(task.id)
            let listing = try JSONEncoder().encode(rig.supernode.tasks.all.map(\.listing))
            #expect(!String(decoding: listing, as: UTF8.self).contains(secret))
            let record = try #require(rig.store.record(of: joined.task))
            #expect(!String(decoding: record.metadata, as: UTF8.self).contains(secret))
            #expect(OriginRecord(record.metadata)?.openAccess == false)
            #expect(rig.logs.text.contains("source failed"))
            #expect(!rig.logs.text.contains("signature="))
        }
    }
}
