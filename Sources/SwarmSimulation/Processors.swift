/// Processor cores that work off what comes in, in order.
struct Processors: Sendable {
    private var freeAt: [Int64]
    /// Nanoseconds of work done by all cores.
    private(set) var busy: Int64 = 0

    init(cores: Int) { freeAt = Array(repeating: 0, count: cores) }

    var cores: Int { freeAt.count }

    /// When work of `cost` nanoseconds that comes in now is done, by the core that is free first.
    mutating func finish(_ cost: Int64, at now: Int64) -> Int64 {
        var first = 0
        for core in 1..<max(1, freeAt.count) where freeAt[core] < freeAt[first] { first = core }
        freeAt[first] = max(now, freeAt[first]) + cost
        busy += cost
        return freeAt[first]
    }
}
