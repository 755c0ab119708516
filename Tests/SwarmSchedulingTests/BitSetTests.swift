import TestSupport
import Testing

@testable import SwarmScheduling

@Suite("Sets of small numbers")
struct BitSetTests {
    @Test(
        "a walk visits every member once, from the start upwards and round the end",
        arguments: [0, 5, 63, 64, 100, 191]
    )
    func walk(start: Int) {
        var set = BitSet()
        let members = [0, 5, 62, 63, 64, 100, 127, 128, 190]
        for member in members { set.insert(member) }
        var visited: [Int] = []
        BitSet.walk(words: set.words.count, from: start, word: { set.word($0) }) { member in
            visited.append(member)
            return false
        }
        #expect(visited == members.filter { $0 >= start } + members.filter { $0 < start })
    }

    @Test("counts, 64 at a time too")
    func counts() {
        var set = BitSet()
        #expect(set.insert(70) && !set.insert(70))
        set.formUnion(0b1010, at: 0)
        #expect(set.count == 3 && set.contains(3) && !set.contains(2) && set.contains(70))
        set.set(word: 0, 0b1100)
        #expect(set.count == 3 && set.contains(2) && !set.contains(1) && !set.remove(1))
        set.removeAll()
        #expect(set.isEmpty && !set.contains(70))
    }
}

@Suite("Sets of places")
struct PlaceSetTests {
    @Test("finds what is in all sets, from the start upwards and round the end", arguments: [1, 40, 4000, 70_000])
    func first(span: Int) {
        var generator = SeededGenerator(seed: UInt64(span))
        var sets = Array(repeating: PlaceSet(), count: 3)
        var members = Array(repeating: Set<Int>(), count: 3)
        for index in sets.indices {
            for _ in 0..<span / 3 + 1 {
                let place = Int.random(in: 0..<span, using: &generator)
                sets[index].insert(place)
                members[index].insert(place)
            }
            for place in members[index].shuffled(using: &generator).prefix(span / 9) {
                sets[index].remove(place)
                members[index].remove(place)
            }
            #expect(sets[index].count == members[index].count)
        }
        let common = [members[0], members[0].intersection(members[1])].map { $0.sorted() }
        let all = common[1].filter { members[2].contains($0) }
        for start in [0, span / 2, span - 1] + (0..<20).map({ _ in Int.random(in: 0..<span, using: &generator) }) {
            func expected(_ places: [Int]) -> Int? { places.first { $0 >= start } ?? places.first }
            #expect(PlaceSet.first(in: sets[0], sets[1], from: start) { _ in true } == expected(common[1]))
            #expect(PlaceSet.first(in: sets[0], sets[1], sets[2], from: start) { _ in true } == expected(all))
            var walked: [Int] = []
            sets[0].walk(from: start) { place in
                walked.append(place)
                return false
            }
            #expect(walked == common[0].filter { $0 >= start } + common[0].filter { $0 < start })
        }
    }
}

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

@Suite("Priority queue")
struct BinaryHeapTests {
    @Test("gives the smallest first, also after some were dropped")
    func order() {
        var generator = SystemRandomNumberGenerator()
        var heap = BinaryHeap<Int>()
        let numbers = (0..<200).map { _ in Int.random(in: 0..<100, using: &generator) }
        for number in numbers { heap.insert(number) }
        heap.keep { $0.isMultiple(of: 2) }
        var popped: [Int] = []
        while let least = heap.popMin() { popped.append(least) }
        #expect(popped == numbers.filter { $0.isMultiple(of: 2) }.sorted())
    }
}
