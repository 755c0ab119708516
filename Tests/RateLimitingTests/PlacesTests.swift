import RateLimiting
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct PlacesTests {
    /// What has begun, and what lets it end.
    private final class Work: Sendable {
        let begun = Mutex<[Int]>([])
        let ends = (0..<8).map { _ in TestEvent() }

        func begin(_ number: Int, in places: Places) -> Task<Bool, Never> {
            Task.immediate {
                do throws(CancellationError) {
                    try await places.run(cancelled: CancellationError()) { () async throws(CancellationError) in
                        self.begun.withLock { $0.append(number) }
                        await self.ends[number].wait()
                    }
                    return true
                } catch {
                    return false
                }
            }
        }

        func waits(for numbers: [Int]) async {
            while begun.withLock({ $0 }) != numbers, !Task.isCancelled { await Task.yield() }
        }
    }

    @Test("So many run at once, and the others start in order as these end")
    func order() async {
        let (places, work) = (Places(2), Work())
        let tasks = (0..<5).map { work.begin($0, in: places) }
        #expect(work.begun.withLock { $0 } == [0, 1])
        #expect(places.waiting == 3)
        for (end, expected) in [(1, [0, 1, 2]), (2, [0, 1, 2, 3]), (0, [0, 1, 2, 3, 4])] {
            work.ends[end].fire()
            await work.waits(for: expected)
            #expect(places.waiting == 5 - expected.count)
        }
        for end in work.ends { end.fire() }
        for task in tasks { #expect(await task.value) }
    }

    @Test("Whoever gives up while it waits never starts, and holds nobody up")
    func cancellation() async {
        let (places, work) = (Places(1), Work())
        let tasks = (0..<3).map { work.begin($0, in: places) }
        tasks[1].cancel()
        #expect(await !tasks[1].value)
        #expect(places.waiting == 1)
        work.ends[0].fire()
        await work.waits(for: [0, 2])
        work.ends[2].fire()
        for task in [tasks[0], tasks[2]] { #expect(await task.value) }
        // All places are free again.
        let last = work.begin(3, in: places)
        #expect(work.begun.withLock { $0 } == [0, 2, 3])
        work.ends[3].fire()
        #expect(await last.value)
    }

    @Test("A free place can be had at once, and goes to whoever waits when it is given back")
    func atOnce() async {
        let (places, work) = (Places(1), Work())
        #expect(places.enterIfFree())
        #expect(!places.enterIfFree())
        let task = work.begin(0, in: places)
        #expect(places.waiting == 1)
        places.leave()
        await work.waits(for: [0])
        #expect(!places.enterIfFree())
        work.ends[0].fire()
        #expect(await task.value)
        #expect(places.isIdle)
    }
}
