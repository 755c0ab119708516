import TestSupport
import Testing

@testable import SwarmScheduling

@Suite("Counters of pieces")
struct PieceCountersTests {
    @Test("count like numbers, and find the rarest")
    func counters() {
        var generator = SeededGenerator(seed: 3)
        var counters = PieceCounters()
        counters.learn(pieceCount: 100)
        counters.learn(pieceCount: 150)
        var counts = Array(repeating: 0, count: 150)
        for step in 0..<2000 {
            let index = Int.random(in: 0..<3, using: &generator)
            var pieces = generator.next() & generator.next()
            if index == 2 { pieces &= 1 << 22 - 1 }
            let places = (0..<64).filter { pieces >> UInt64($0) & 1 == 1 }.map { index << 6 + $0 }
            if step % 5 < 3 {
                let first = counters.add(pieces, to: index)
                #expect(places.allSatisfy { (counts[$0] == 0) == (first >> UInt64($0 & 63) & 1 == 1) })
                for place in places { counts[place] += 1 }
            } else {
                for place in places where counts[place] == 0 { pieces &= ~(1 << UInt64(place & 63)) }
                let last = counters.subtract(pieces, from: index)
                for place in places where counts[place] > 0 {
                    counts[place] -= 1
                    #expect((counts[place] == 0) == (last >> UInt64(place & 63) & 1 == 1))
                }
            }
        }
        #expect(counts.indices.allSatisfy { counters[$0] == counts[$0] })
        #expect(counts.indices.allSatisfy { counters.present.contains($0) == (counts[$0] > 0) })
        for among in [UInt64.max, 0xF0F0, 1 << 5] {
            let words = [among, among, among & (1 << 22 - 1)]
            let candidates = counts.indices.filter { words[$0 >> 6] >> UInt64($0 & 63) & 1 == 1 }
            let least = candidates.map { counts[$0] }.min() ?? 0
            let rarest = candidates.filter { counts[$0] == least }
            for start in [0, 70, 149] {
                let expected = rarest.first { $0 >= start } ?? rarest.first
                #expect(counters.rarest(of: words, from: start) == expected)
            }
            let same = candidates.filter {
                counters.among(.max, at: $0 >> 6, thereAre: least) >> UInt64($0 & 63) & 1 == 1
            }
            #expect(same == rarest)
        }
        #expect(counters.rarest(of: [0, 0, 0], from: 5) == nil)
    }
}
