package import BackendAPI
package import NodeConfig

/// How content is fetched from origins: the `origin:` section.
package struct OriginFetchConfiguration: Sendable, Configurable {
    /// How many tasks are fetched from origins at once; the others wait for their turn.
    package var tasks = 64
    /// How many ranged requests run at once for one task where the origin supports ranges.
    package var parallel = 4
    /// The most bytes asked for in one ranged request.
    package var segment = ByteCount(bytes: 16 << 20)
    /// How requests that fail for now are repeated.
    package var retry = RetryPolicy()

    package init() {}

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.value("tasks", &tasks)
        try fields.check("tasks", (1...10_000).contains(tasks), "must be from 1 to 10000")
        try fields.value("parallel", &parallel)
        try fields.check("parallel", (1...64).contains(parallel), "must be from 1 to 64")
        try fields.value("segment", &segment)
        try fields.check("segment", segment.bytes >= 1 << 20, "must be at least 1MiB")
        try fields.section("retry", &retry)
    }
}
