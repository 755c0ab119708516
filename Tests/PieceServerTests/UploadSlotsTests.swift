import Content
import PieceServer
import Testing

@Suite("Upload slots", .timeLimit(.minutes(1)))
struct UploadSlotsTests {
    private let task: TaskID
    private let other: TaskID

    init() throws {
        task = try #require(TaskID(String(repeating: "a", count: 64)))
        other = try #require(TaskID(String(repeating: "b", count: 64)))
    }

    /// Fails to come if a slot has to wait for another one that nobody releases.
    @Test func tasksDoNotWaitForEachOther() async throws {
        let slots = UploadSlots(perTask: 1, patience: .seconds(3600))
        let first = try await slots.slot(for: task)
        let second = try await slots.slot(for: other)
        first.release()
        second.release()
    }

    @Test func whoWaitsGoesOnInTheOrderOfArrival() async throws {
        let slots = UploadSlots(perTask: 2, patience: .seconds(3600))
        let held = [try await slots.slot(for: task), try await slots.slot(for: task)]
        let (served, input) = AsyncStream.makeStream(of: Int.self)
        let (arrived, arrival) = AsyncStream.makeStream(of: Int.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            var arrivals = arrived.makeAsyncIterator()
            for number in 0..<4 {
                group.addTask {
                    arrival.yield(number)
                    let slot = try await slots.slot(for: task)
                    input.yield(number)
                    slot.release()
                }
                _ = await arrivals.next()
                while slots.waiting(for: task) <= number { await Task.yield() }
            }
            held[0].release()
            // Only the first release counts.
            held[0].release()
            var order: [Int] = []
            for await number in served {
                order.append(number)
                if order.count == 4 { break }
            }
            #expect(order == [0, 1, 2, 3])
            try await group.waitForAll()
        }
        held[1].release()
        #expect(slots.waiting(for: task) == 0)
    }

    @Test func aSlotThatNobodyReleasesHoldsOthersUpOnlyForAWhile() async throws {
        let slots = UploadSlots(perTask: 1, patience: .milliseconds(20))
        let stuck = try await slots.slot(for: task)
        let second = try await slots.slot(for: task)
        second.release()
        stuck.release()
    }

    @Test func whoIsCancelledWaitsNoLonger() async throws {
        let slots = UploadSlots(perTask: 1, patience: .seconds(3600))
        let held = try await slots.slot(for: task)
        await #expect(throws: CancellationError.self) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await slots.slot(for: task) }
                while slots.waiting(for: task) == 0 { await Task.yield() }
                group.cancelAll()
                try await group.waitForAll()
            }
        }
        held.release()
        // Nothing of it is left.
        _ = try await slots.slot(for: task)
    }

    @Test func aSlotThatIsDroppedIsReleased() async throws {
        let slots = UploadSlots(perTask: 1, patience: .seconds(3600))
        _ = try await slots.slot(for: task)
        _ = try await slots.slot(for: task)
    }
}
