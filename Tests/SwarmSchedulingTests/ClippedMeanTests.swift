import Testing

@testable import SwarmScheduling

@Suite("Means of which nobody says much")
struct ClippedMeanTests {
    private func mean(_ numbers: [Int64]) -> Double? {
        var mean = ClippedMean()
        for number in numbers { mean.replace(nil, by: number) }
        return mean.value
    }

    @Test("numbers that are near each other have their mean")
    func near() {
        #expect(mean([]) == nil)
        #expect(mean([7]) == 7)
        #expect(mean([100, 900]) == 500)
        #expect(mean([100, 102, 104, 106]) == 103)
        #expect(mean([0, 0, 0]) == 0)
    }

    @Test("the largest eighth counts like what comes next, of three or more at least one")
    func clipped() {
        #expect(mean([100, 100, .max]) == 100)
        #expect(mean([100, 100, 200, .max]) == 150)
        #expect(mean(Array(repeating: 100, count: 14) + [.max, 1 << 40]) == 100)
        // Three of sixteen are not so few.
        #expect(mean(Array(repeating: 100, count: 13) + [1600, 1600, 1600]) == 381.25)
    }

    @Test("what is taken out leaves no trace")
    func removal() {
        var mean = ClippedMean()
        for number in Int64(1)...20 { mean.replace(nil, by: 1 << (number * 3)) }
        for number in Int64(1)...20 { mean.replace(1 << (number * 3), by: 77) }
        #expect(mean.value == 77)
        for _ in 0..<20 { mean.replace(77, by: nil) }
        #expect(mean.value == nil)
    }
}
