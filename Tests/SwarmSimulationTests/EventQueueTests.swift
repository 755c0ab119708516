import SwarmScheduling
import Testing

@testable import SwarmSimulation

@Suite("Events")
struct EventQueueTests {
    @Test("they come in the order of time, and those of one time as they were planned")
    func order() {
        var queue = EventQueue()
        var generator = SplitMix64(seed: 3)
        var planned: [(time: Int64, subject: Int)] = []
        for subject in 0..<500 {
            let time = Int64.random(in: 0..<40, using: &generator)
            planned.append((time, subject))
            queue.plan(.tick, at: time, subject)
        }
        var taken: [Int] = []
        while let event = queue.next() { taken.append(Int(event.subject)) }
        let expected = planned.sorted { $0.time != $1.time ? $0.time < $1.time : $0.subject < $1.subject }
        #expect(taken == expected.map(\.subject))
    }

    @Test("cores take what comes in order, each one thing at a time")
    func cores() {
        var cores = Processors(cores: 2)
        #expect([0, 0, 0, 5].map { cores.finish(10, at: $0) } == [10, 10, 20, 20])
        #expect(cores.finish(10, at: 100) == 110)
        #expect(cores.busy == 50)
    }
}
