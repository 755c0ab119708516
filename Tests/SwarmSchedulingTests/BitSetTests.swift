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
