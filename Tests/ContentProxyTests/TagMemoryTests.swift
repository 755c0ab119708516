import BackendAPI
import Content
import Testing

@testable import ContentProxy

@Suite struct TagMemoryTests {
    private let start = ContinuousClock.now

    private func key(_ name: String, accept: String? = nil) throws -> TagMemory.Key {
        TagMemory.Key(url: try #require(ResourceURL("https://registry.test/v2/a/manifests/\(name)")), accept: accept)
    }

    private func head(_ text: String) -> ContentHead { ContentHead(digest: Digest.of(text)) }

    @Test("The last answer counts, for as long as it is wanted")
    func age() throws {
        var memory = TagMemory()
        let key = try key("v1")
        memory.remember(head("1"), key, at: start)
        memory.remember(head("2"), key, at: start + .seconds(1))
        let soon = start + .seconds(11)
        #expect(memory.answer(key, within: .seconds(60), at: soon)?.digest == Digest.of("2"))
        #expect(memory.answer(key, within: .seconds(10), at: soon) == nil)
        #expect(memory.answer(key, within: .zero, at: start + .seconds(1)) == nil)
        #expect(memory.answer(key, within: nil, at: soon + .seconds(1 << 20)) != nil)
        #expect(memory.answer(try self.key("v1", accept: "x"), within: nil, at: soon) == nil)
    }

    @Test("It stays small, and what is old goes first")
    func bounded() throws {
        var memory = TagMemory(most: 8)
        let keys = try (0..<20).map { try key("v\($0)") }
        for (number, key) in keys.enumerated() { memory.remember(head("1"), key, at: start + .seconds(number)) }
        let kept = keys.indices.filter { memory.answer(keys[$0], within: nil, at: start) != nil }
        #expect((1...8).contains(kept.count))
        #expect(kept == Array((20 - kept.count)..<20))
    }

    @Test(
        "What may have changed is forgotten, under every form in which it was asked for, and an answer on its way with it"
    )
    func forgotten() throws {
        var memory = TagMemory()
        let (v1, json, v2) = (try key("v1"), try key("v1", accept: "json"), try key("v2"))
        for key in [v1, json] { memory.remember(head("1"), key, at: start) }
        memory.remember(head("2"), v2, at: start)
        let before = memory.changes
        memory.forget { url, _ in url == v1.url }
        #expect(memory.changes != before)
        #expect([v1, json].allSatisfy { memory.answer($0, within: nil, at: start) == nil })
        #expect(memory.answer(v2, within: nil, at: start) != nil)
        memory.forget { _, digest in digest == Digest.of("2") }
        #expect(memory.answer(v2, within: nil, at: start) == nil)
    }
}
