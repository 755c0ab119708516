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

    @Test("finds the member of a rank")
    func rank() {
        var set = BitSet()
        let members = [1, 63, 64, 130, 131]
        for member in members { set.insert(member) }
        let found = members.indices.map { BitSet.member(ofRank: $0, words: set.words.count) { set.word($0) } }
        #expect(found == members)
    }

    @Test("counts and compares")
    func counts() {
        var set = BitSet()
        #expect(set.insert(70) && !set.insert(70))
        var other = BitSet()
        other.insert(3)
        #expect(set.lacksMember(of: other) && other.lacksMember(of: set))
        set.formUnion(other)
        #expect(set.count == 2 && !set.lacksMember(of: other))
        set.removeAll { $0 == 3 }
        #expect(set.count == 1 && set.contains(70) && !set.remove(3))
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
