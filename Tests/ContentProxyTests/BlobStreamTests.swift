import BackendAPI
import Content
import PeerEngine
import Synchronization
import TestSupport
import Testing

@testable import ContentProxy

/// Streams whose sources fail.
@Suite(.serialized, .timeLimit(.minutes(1))) struct BlobStreamTests {
    private static let piece = 256 << 10
    private static let size = 16 * piece + 5
    private let bytes = randomBytes(size, seed: 1)

    /// Has a stream's sources break off after so many pieces, one after the other, and returns what the client got.
    private func breaking(_ rig: BlobRig, _ path: String, after counts: [Int]) async throws -> BlobClient.Answer {
        var pauses = [rig.origin.pause(at: Int64(counts[0] * Self.piece))]
        let began = TestEvent()
        async let answer = rig.client.send("GET", rig.url(path), reaching: 1, began)
        // What breaks before anything has been sent is no stream.
        await began.wait()
        for (index, count) in counts.enumerated() {
            await pauses[index].reached.wait()
            await eventually { (try? rig.committed(path).count) == count }
            // Whoever asks from now on is held elsewhere, or not at all.
            let next = index + 1 < counts.count ? Int64(counts[index + 1] * Self.piece) : .max
            pauses.append(rig.origin.pause(at: next))
            pauses[index].breaks.fire()
        }
        return try await answer
    }

    @Test("A download that breaks is gone on with by another, and where that breaks, too, by the registry itself")
    func breaksTwice() async throws {
        try await withBlobs { rig in
            let path = try rig.put(bytes)
            let answer = try await breaking(rig, path, after: [5, 10])
            #expect(answer.status == 200)
            #expect(answer.isWhole)
            #expect(answer.body.elementsEqual(bytes))
            // Each goes on where the one before it stood, with credentials of its own.
            let offsets = rig.origin.memory.requests.map { $0.range?.offset ?? 0 }
            #expect(offsets == [0, Int64(5 * Self.piece), Int64(10 * Self.piece)])
            #expect(rig.origin.memory.bytesSent == Self.size)
            #expect(rig.answers.credentials.withLock { $0 } == 3)
            #expect(rig.answers.note("direct") == "origin_unavailable")
        }
    }

    @Test("A download that breaks once is gone on with by another, which keeps what is there")
    func breaksOnce() async throws {
        try await withBlobs { rig in
            let path = try rig.put(bytes)
            let answer = try await breaking(rig, path, after: [5])
            #expect(answer.isWhole)
            #expect(answer.body.elementsEqual(bytes))
            #expect(rig.answers.note("direct") == nil)
            #expect(rig.origin.memory.bytesSent == Self.size)
            #expect(try rig.committed(path).count == 17)
        }
    }

    @Test(
        "Where nothing arrives any more the registry is asked for the rest, and the download stays",
        arguments: [false, true]
    )
    func stalls(beforeTheFirstByte: Bool) async throws {
        try await withBlobs(patience: .seconds(2)) { rig in
            let path = try rig.put(bytes)
            let pause = rig.origin.pause(at: beforeTheFirstByte ? 0 : Int64(5 * Self.piece))
            async let answer = rig.client.send("GET", rig.url(path))
            await pause.reached.wait()
            // Whoever asks from now on is not held.
            _ = rig.origin.pause(at: .max)
            if beforeTheFirstByte {
                let got = try await answer
                #expect(got.status == 421)
                #expect(got.headers["Server"] == "origin_unreachable")
            } else {
                let got = try await answer
                #expect(got.isWhole)
                #expect(got.body.elementsEqual(bytes))
                #expect(rig.origin.memory.requests.last?.range?.offset == Int64(5 * Self.piece))
                #expect(rig.answers.note("direct") == "stalled")
            }
            pause.release.fire()
        }
    }

    @Test("A stalled download goes on for the others")
    func others() async throws {
        try await withBlobs(patience: .seconds(2)) { rig in
            let path = try rig.put(bytes)
            let pause = rig.origin.pause(at: Int64(5 * Self.piece))
            async let answer = rig.client.send("GET", rig.url(path))
            await pause.reached.wait()
            _ = rig.origin.pause(at: .max)
            let url = try #require(ResourceURL("http://origin\(path)"))
            let resource = Resource(url: url, digest: Digest.of(bytes))
            let download = try await rig.engine.download(.init(resource: resource))
            let got = try await answer
            #expect(got.body.elementsEqual(bytes))
            pause.release.fire()
            _ = try await download.completion()
            download.release()
            #expect(try rig.committed(path).count == 17)
        }
    }

    @Test("Wrong bytes are never sent to their end, whoever they come from", arguments: 0..<3)
    func wrong(breaks: Int) async throws {
        let names: [[MemoryBackend.Fault]] = [
            [], [.closed(after: 5 * Self.piece)], [.closed(after: 5 * Self.piece), .closed(after: 5 * Self.piece)],
        ]
        try await withBlobs { rig in
            var wrong = bytes
            wrong[Self.size - 1] ^= 1
            let path = try rig.put(wrong, as: Digest.of(bytes))
            for fault in names[breaks] { rig.origin.memory.fail(fault) }
            let answer = try await rig.client.send("GET", rig.url(path))
            // What is known to be wrong before anything of it has been sent is no answer at all.
            #expect(!answer.isWhole || answer.status == 421)
            #expect(answer.body.count < Self.size)
            #expect(answer.body.elementsEqual(wrong.prefix(answer.body.count)))
        }
    }

    @Test("What was wrong before the registry itself goes on is found out in the end")
    func wrongBefore() async throws {
        try await withBlobs(patience: .seconds(2)) { rig in
            var wrong = bytes
            wrong[7] ^= 1
            let path = try rig.put(wrong, as: Digest.of(bytes))
            let pause = rig.origin.pause(at: Int64(5 * Self.piece))
            async let answer = rig.client.send("GET", rig.url(path))
            await pause.reached.wait()
            _ = rig.origin.pause(at: .max)
            _ = try rig.put(bytes)
            let got = try await answer
            #expect(got.isWhole == false)
            #expect(got.body.count < Self.size)
            pause.release.fire()
        }
    }

    @Test("A registry without ranges goes on, too: what the client has is passed over")
    func withoutRanges() async throws {
        try await withBlobs(patience: .seconds(2)) { rig in
            let path = try rig.put(bytes) { $0.grantsRanges = false }
            let pause = rig.origin.pause(at: Int64(5 * Self.piece))
            async let answer = rig.client.send("GET", rig.url(path))
            await pause.reached.wait()
            _ = rig.origin.pause(at: .max)
            let got = try await answer
            #expect(got.isWhole)
            #expect(got.body.elementsEqual(bytes))
            pause.release.fire()
        }
    }

    @Test("Content whose length nobody tells goes on as well", arguments: 1...2)
    func unknownLength(breaks: Int) async throws {
        try await withBlobs { rig in
            let path = try rig.put(bytes) { $0.tellsLength = false }
            let (pause, began) = (rig.origin.pause(at: Int64(9 * Self.piece)), TestEvent())
            async let answer = rig.client.send("GET", rig.url(path), reaching: 1, began)
            // What breaks before anything has been sent is no stream.
            await began.wait()
            _ = rig.origin.pause(at: .max)
            for _ in 1..<breaks { rig.origin.memory.fail(.closed(after: 9 * Self.piece)) }
            pause.breaks.fire()
            let got = try await answer
            #expect(got.status == 200)
            #expect(got.isWhole)
            #expect(got.body.elementsEqual(bytes))
        }
    }

    @Test("A part goes on to its end, and no further")
    func part() async throws {
        try await withBlobs(patience: .seconds(2)) { rig in
            let path = try rig.put(bytes)
            let pause = rig.origin.pause(at: Int64(5 * Self.piece))
            async let answer = rig.client.send("GET", rig.url(path), ["Range": "bytes=100-2000000"])
            await pause.reached.wait()
            _ = rig.origin.pause(at: .max)
            let got = try await answer
            #expect(got.status == 206)
            #expect(got.isWhole)
            #expect(got.body.elementsEqual(bytes[100...2_000_000]))
            let range = rig.origin.memory.requests.last?.range
            #expect(range == .closed(ByteRange(Int64(5 * Self.piece)..<2_000_001)))
            pause.release.fire()
        }
    }

    @Test("A registry that stalls is asked for the rest again, so many times and no more", arguments: [1, 2, 3])
    func directStalls(times: Int) async throws {
        try await withBlobs(attempts: 3) { rig in
            let path = try rig.put(bytes)
            let (pause, began) = (rig.origin.pause(at: Int64(5 * Self.piece)), TestEvent())
            async let answer = rig.client.send("GET", rig.url(path), reaching: 1, began)
            await began.wait()
            await eventually { (try? rig.committed(path).count) == 5 }
            _ = rig.origin.pause(at: .max)
            // Neither the download nor another one goes on.
            let refusal = MemoryBackend.Fault.failure(BackendError(.forbidden, "no"))
            rig.origin.memory.fail(refusal, refusal, .closed(after: Self.piece))
            for _ in 1..<times { rig.origin.memory.fail(.failure(BackendError(.timedOut, "nothing comes"))) }
            pause.breaks.fire()
            let got = try await answer
            #expect(got.isWhole == (times < 3))
            #expect(got.body.elementsEqual(bytes.prefix(times < 3 ? Self.size : 6 * Self.piece)))
            let offsets = rig.origin.memory.requests.map { ($0.range?.offset ?? 0) / Int64(Self.piece) }
            #expect(offsets == [0, 5, 5, 5] + Array(repeating: 6, count: min(times, 2)))
        }
    }

    @Test("A registry that can not go on either has the connection broken off")
    func nothingWorks() async throws {
        try await withBlobs { rig in
            let path = try rig.put(bytes)
            let (pause, began) = (rig.origin.pause(at: Int64(5 * Self.piece)), TestEvent())
            async let answer = rig.client.send("GET", rig.url(path), reaching: 1, began)
            await began.wait()
            await eventually { (try? rig.committed(path).count) == 5 }
            _ = rig.origin.pause(at: .max)
            let nothing = MemoryBackend.Fault.closed(after: 0)
            rig.origin.memory.fail(nothing, nothing, nothing, nothing)
            pause.breaks.fire()
            let got = try await answer
            #expect(got.status == 200)
            #expect(got.isWhole == false)
            #expect(got.body.elementsEqual(bytes.prefix(5 * Self.piece)))
        }
    }
}
