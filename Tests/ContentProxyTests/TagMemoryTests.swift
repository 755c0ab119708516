import BackendAPI
import Content
import Testing

@testable import ContentProxy

@Suite struct TagMemoryTests {
    private let key = ResourceURL("https://registry.test/v2/a/manifests/v1").map { TagMemory.Key(url: $0, accept: nil) }
    private let start = ContinuousClock.now
    private let alice = Credentials.bearer("a")
    private let bob = Credentials.bearer("b")

    private func head(_ text: String) -> ContentHead { ContentHead(digest: Digest.of(text)) }

    @Test("Only who was told himself is told again, and only for so long")
    func told() throws {
        var memory = TagMemory()
        let key = try #require(key)
        memory.remember(head("1"), key, alice, at: start)
        let soon = start + .seconds(10)
        #expect(memory.answer(key, alice, within: .seconds(60), at: soon)?.head.digest == Digest.of("1"))
        #expect(memory.answer(key, bob, within: .seconds(60), at: soon) == nil)
        #expect(memory.answer(key, Credentials(), within: .seconds(60), at: soon) == nil)
        #expect(memory.answer(key, alice, within: .seconds(10), at: soon) == nil)
        #expect(memory.answer(key, alice, within: .zero, at: start) == nil)
    }

    @Test("What anybody may see is for everybody")
    func open() throws {
        var memory = TagMemory()
        let key = try #require(key)
        memory.remember(head("1"), key, Credentials(), at: start)
        #expect(memory.answer(key, bob, within: .seconds(60), at: start) != nil)
    }

    @Test("Who saw an earlier manifest has not seen the new one")
    func moved() throws {
        var memory = TagMemory()
        let key = try #require(key)
        memory.remember(head("1"), key, alice, at: start)
        memory.remember(head("2"), key, bob, at: start)
        #expect(memory.answer(key, alice, within: .seconds(60), at: start) == nil)
        #expect(memory.answer(key, bob, within: .seconds(60), at: start)?.head.digest == Digest.of("2"))
    }

    @Test("It stays small")
    func bounded() throws {
        var memory = TagMemory(most: 8, mostTold: 2)
        let keys = try (0..<20).map { number in
            TagMemory.Key(url: try #require(ResourceURL("https://registry.test/\(number)")), accept: nil)
        }
        for (number, key) in keys.enumerated() {
            for user in 0..<5 { memory.remember(head("1"), key, .bearer("\(user)"), at: start + .seconds(number)) }
        }
        let kept = keys.filter {
            memory.answer($0, .bearer("4"), within: .seconds(100), at: start + .seconds(20)) != nil
        }
        #expect((1...8).contains(kept.count))
        #expect(kept.contains(keys[19]))
    }
}
