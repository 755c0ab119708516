import TestSupport
import Testing

@testable import ContentProxy

@Suite(.timeLimit(.minutes(1))) struct PatienceTests {
    private let start = ContinuousClock.now

    private func after(_ seconds: Double) -> ContinuousClock.Instant { start + .seconds(seconds) }

    @Test("It ends when nothing has come for so long, and begins anew with whatever comes")
    func ends() {
        var patience = Patience(.seconds(8), at: start)
        let looks = [(0, 0), (0, 7), (1, 7.9), (1, 15.8), (1, 15.9)].map { arrived, time in
            patience.look(Int64(arrived), at: after(time))
        }
        #expect(looks[0] == .seconds(2))
        #expect(looks[1] == .seconds(1))
        #expect(looks[2] == .seconds(2))
        #expect(looks[3] != nil)
        #expect(looks[4] == nil)
    }

    @Test("What is all here needs none")
    func whole() {
        var patience = Patience(.seconds(8), at: start)
        let first = patience.look(nil, at: after(100))
        #expect(first == .seconds(8))
        let second = patience.look(5, at: after(107))
        #expect(second != nil)
    }

    @Test("Work that comes to nothing is cancelled, work that ends gives its value or its error")
    func work() async throws {
        let patience = Patience(.milliseconds(20))
        await #expect(throws: Stalled.self) {
            try await patience.wait(watching: { 0 }) {
                await TestEvent().wait()
                try Task.checkCancellation()
            }
        }
        #expect(try await Patience(.seconds(50)).wait(watching: { 0 }) { 7 } == 7)
        await #expect(throws: WrongContent.self) {
            try await Patience(.seconds(50)).wait(watching: { 0 }) { throw WrongContent(description: "wrong") }
        }
    }
}
