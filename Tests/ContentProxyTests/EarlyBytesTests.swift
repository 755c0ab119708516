import BackendAPI
import Content
import PeerEngine
import TestSupport
import Testing

@testable import ContentProxy

/// A client of a whole blob need not wait for a piece that comes slowly.
@Suite(.serialized, .timeLimit(.minutes(1))) struct EarlyBytesTests {
    private static let piece = 256 << 10
    private static let size = 16 * piece + 5
    /// In the middle of a piece, whether or not the length is known.
    private static let held = 200 << 10
    private static let atOnce = EarlyReading(pause: .zero)
    private let bytes = randomBytes(size, seed: 8)

    @Test(
        "Two clients have the first bytes while the first piece is coming, and the rest once it has come",
        arguments: [true, false]
    )
    func early(tellsLength: Bool) async throws {
        try await withBlobs(early: Self.atOnce) { rig in
            let path = try rig.put(bytes) { $0.tellsLength = tellsLength }
            let pause = rig.origin.pause(at: Int64(Self.held))
            let (first, second) = (TestEvent(), TestEvent())
            async let one = rig.client.send("GET", rig.url(path), reaching: 64 << 10, first)
            async let two = rig.client.send("GET", rig.url(path), reaching: 64 << 10, second)
            await first.wait()
            await second.wait()
            #expect(try rig.committed(path).isEmpty)
            pause.release.fire()
            for answer in try await [one, two] {
                #expect(answer.status == 200)
                #expect(answer.isWhole)
                #expect(answer.body.elementsEqual(bytes))
            }
            #expect(rig.origin.memory.bytesSent == Self.size)
        }
    }

    @Test("In the middle, too, and not before nothing has come for a while")
    func pause() async throws {
        let clock = HeldClock()
        try await withBlobs(early: EarlyReading(clock: clock)) { rig in
            let path = try rig.put(bytes)
            let pause = rig.origin.pause(at: Int64(5 * Self.piece + Self.held))
            let goesOn = TestEvent()
            async let answer = rig.client.send("GET", rig.url(path), reaching: 5 * Self.piece + 1, goesOn)
            await pause.reached.wait()
            await eventually { (try? rig.committed(path).count) == 5 }
            await clock.asked.wait()
            #expect(!goesOn.hasFired)
            clock.isOver.fire()
            await goesOn.wait()
            #expect(try rig.committed(path).count == 5)
            pause.release.fire()
            let got = try await answer
            #expect(got.isWhole)
            #expect(got.body.elementsEqual(bytes))
        }
    }

    @Test("Who asks for a part gets nothing that is not committed")
    func part() async throws {
        try await withBlobs(early: Self.atOnce) { rig in
            let path = try rig.put(bytes)
            let pause = rig.origin.pause(at: Int64(Self.held))
            let (whole, part) = (TestEvent(), TestEvent())
            async let all = rig.client.send("GET", rig.url(path), reaching: 64 << 10, whole)
            async let some = rig.client.send("GET", rig.url(path), ["Range": "bytes=0-99999"], reaching: 1, part)
            await whole.wait()
            await eventually { rig.answers.count == 2 }
            #expect(!part.hasFired)
            pause.release.fire()
            #expect(try await some.body.elementsEqual(bytes[...99_999]))
            #expect(try await all.body.elementsEqual(bytes))
        }
    }

    @Test("Where other bytes come in their place, the client gets none behind them, and others the right ones")
    func replaced() async throws {
        try await withBlobs(early: Self.atOnce) { rig in
            var wrong = bytes
            wrong[17] ^= 1
            let path = try rig.put(wrong, as: Digest.of(bytes))
            let (pause, began) = (rig.origin.pause(at: Int64(Self.held)), TestEvent())
            async let answer = rig.client.send("GET", rig.url(path), reaching: 64 << 10, began)
            await began.wait()
            _ = rig.origin.pause(at: .max)
            _ = try rig.put(bytes)
            pause.breaks.fire()
            let got = try await answer
            #expect(!got.isWhole)
            #expect(got.body.elementsEqual(wrong.prefix(got.body.count)))
            #expect(got.body.count <= Self.held)
            let second = try await rig.client.send("GET", rig.url(path))
            #expect(second.isWhole)
            #expect(second.body.elementsEqual(bytes))
        }
    }

    @Test("Wrong content that comes slowly is never sent to its end, and not kept")
    func wrong() async throws {
        try await withBlobs(early: Self.atOnce) { rig in
            var wrong = bytes
            wrong[17] ^= 1
            let path = try rig.put(wrong, as: Digest.of(bytes))
            let (pause, began) = (rig.origin.pause(at: Int64(Self.held)), TestEvent())
            async let answer = rig.client.send("GET", rig.url(path), reaching: 64 << 10, began)
            await began.wait()
            pause.release.fire()
            let got = try await answer
            #expect(!got.isWhole)
            #expect(got.body.count < Self.size)
            #expect(try rig.committed(path).isEmpty)
        }
    }

    @Test("What breaks off, or stalls, behind early bytes goes on where it was", arguments: [0, 5], [true, false])
    func goesOn(pieces: Int, stalls: Bool) async throws {
        try await withBlobs(patience: stalls ? .seconds(2) : .seconds(50), early: Self.atOnce) { rig in
            let path = try rig.put(bytes)
            let held = pieces * Self.piece + Self.held
            let (pause, began) = (rig.origin.pause(at: Int64(held)), TestEvent())
            async let answer = rig.client.send("GET", rig.url(path), reaching: held - (80 << 10), began)
            await began.wait()
            _ = rig.origin.pause(at: .max)
            if !stalls { pause.breaks.fire() }
            let got = try await answer
            #expect(got.isWhole)
            #expect(got.body.elementsEqual(bytes))
            #expect(rig.answers.note("direct") == (stalls ? "stalled" : nil))
            pause.release.fire()
        }
    }
}

/// A clock whose sleeps last until a test lets them end.
private final class HeldClock: Clock {
    typealias Instant = ContinuousClock.Instant
    let asked = TestEvent()
    let isOver = TestEvent()
    var now: Instant { .now }
    let minimumResolution: Duration = .nanoseconds(1)

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        asked.fire()
        await isOver.wait()
        try Task.checkCancellation()
    }
}
