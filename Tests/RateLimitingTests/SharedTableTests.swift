import Content
import RateLimiting
import Testing

@Suite struct SharedTableTests {
    private final class Thing: Sendable {
        let name: Int

        init(_ name: Int) { self.name = name }
    }

    @Test("What belongs to a key is the same for all, as long as somebody holds it or it has something to remember")
    func sharing() {
        let table = SharedTable<Int, Thing> {
            Thing($0)
        } isIdle: {
            $0.name != 7
        }
        let held = table[1]
        let remembered = ObjectIdentifier(table[7])
        for key in 100..<10_000 { _ = table[key] }
        #expect(table[1] === held)
        #expect(ObjectIdentifier(table[7]) == remembered)
    }

    @Test("It stays small, however many keys come by")
    func bound() {
        let table = SharedTable<Int, Thing> {
            Thing($0)
        } isIdle: { _ in
            true
        }
        for key in 0..<10_000 {
            _ = table[key]
            #expect(table.count <= 65)
        }
        let held = (0..<500).map { table[$0] }
        for key in 1000..<9000 { _ = table[key] }
        #expect(table.count <= 1001)
        #expect(held.allSatisfy { table[$0.name] === $0 })
    }

    @Test("A task that has moved more than it may by now is not forgotten")
    func debt() {
        let limits = RateLimits<Int>(each: 1000)
        for key in 0..<1000 {
            guard let limiter = limits.limiter(of: key) else { return #expect(Bool(false), "there is a limit") }
            var grant = RateGrant([limiter])
            #expect(grant.admit(1 << 30) == nil)
        }
        for key in 0..<1000 {
            var grant = limits.limiter(of: key).map { RateGrant([$0]) }
            #expect(grant?.admit(1) != nil)
        }
        #expect(RateLimits<Int>().limiter(of: 1) == nil)
    }
}
