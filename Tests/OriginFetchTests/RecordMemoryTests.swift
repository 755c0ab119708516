import Content
import Testing

@testable import OriginFetch

@Suite struct RecordMemoryTests {
    private func record(_ text: String) -> OriginRecord {
        OriginRecord(url: nil, digest: Digest.of(text), openAccess: true)
    }

    private func task(_ name: Int) -> TaskID { TaskID(content: Digest.of("\(name)")) }

    @Test("What the store keeps now counts, not what it kept before")
    func follows() {
        let memory = RecordMemory()
        let (first, second) = (record("1").encoded, record("2").encoded)
        #expect(memory.record(of: task(0), first)?.digest == Digest.of("1"))
        #expect(memory.record(of: task(0), first)?.digest == Digest.of("1"))
        #expect(memory.record(of: task(0), second)?.digest == Digest.of("2"))
        #expect(memory.record(of: task(1), first)?.digest == Digest.of("1"))
        #expect(memory.record(of: task(0), Array("{}".utf8)) == nil)
    }

    @Test("It forgets rather than grow")
    func bounded() {
        let memory = RecordMemory(most: 4)
        for number in 0..<20 {
            let bytes = record("\(number)").encoded
            #expect(memory.record(of: task(number), bytes)?.digest == Digest.of("\(number)"))
            #expect(memory.count <= 4)
        }
    }
}
