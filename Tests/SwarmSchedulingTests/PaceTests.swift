import Testing

@testable import SwarmScheduling

@Suite("Seed's pace")
struct PaceTests {
    @Test("as many bodies at once as fill the link", arguments: [1, 3, 10])
    func converges(width: Int) {
        var pace = Pace(start: 2, step: 0.1)
        for _ in 0..<400 {
            // So many times slower as there are more bodies than the link takes at full rate.
            let limit = Int(pace.limit)
            let duration = Int64(40_000_000 * max(width, limit) / width)
            pace.measured(duration, wasFull: true, usual: 40_000_000, most: 16)
        }
        #expect(Int(pace.limit) >= width && Int(pace.limit) <= width + max(1, width / 2))
    }

    @Test("no more than are asked for, and never more than allowed")
    func bounds() {
        var pace = Pace(start: 2, step: 0.1)
        for _ in 0..<50 { pace.measured(40_000_000, wasFull: false, usual: nil, most: 16) }
        #expect(pace.limit == 2)
        for _ in 0..<50 { pace.measured(40_000_000, wasFull: true, usual: nil, most: 16) }
        #expect(pace.limit == 16)
    }
}
