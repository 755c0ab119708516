import TestSupport
import Testing

@testable import SwarmScheduling

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
