import Content
import NodeAssembly
import NodeConfig
import RateLimiting
import Testing

@Suite struct LimitTests {
    private let task = TaskID(url: "http://origin/file")

    private func limits(_ yaml: String, within total: RateLimiter? = nil) throws -> NodeLimits {
        var configuration = LimitConfiguration()
        try ConfigFile.parse(text: yaml, file: "x.yml", into: &configuration)
        return configuration.limits(within: total)
    }

    @Test(
        "Every transfer keeps the limits of its node and those of its task",
        arguments: [
            ("{}", nil, nil, nil),
            ("{upload: 3MB/s, download: 5MB/s, origin: 4MB/s}", 3, 5, 4),
            ("{upload: 3MB/s, task: {upload: 2MB/s, download: 6MB/s}}", 2, 6, 6),
            ("{download: 5MB/s, task: {upload: 2MB/s, download: 6MB/s, origin: 1MB/s}}", 2, 5, 1),
            ("{download: 5MB/s, origin: 20MB/s}", nil, 5, 5),
        ] as [(String, Int64?, Int64?, Int64?)]
    )
    func rates(yaml: String, upload: Int64?, download: Int64?, origin: Int64?) throws {
        let limits = try limits(yaml)
        func rate(_ limiters: [RateLimiter]) -> Int64? { RateGrant(limiters).rate.map { $0 / 1_000_000 } }
        #expect(rate(limits.uploads(of: task)) == upload)
        #expect(rate(limits.downloads(of: task)) == download)
        #expect(rate(limits.fetches(of: task)) == origin)
    }

    @Test("What is sent and received together has one limit, and what comes from an origin counts once")
    func total() throws {
        let start = ContinuousClock.now
        let limits = try limits("{origin: 900MB/s}", within: RateLimiter(bytesPerSecond: 1000))
        var (sent, received) = (RateGrant(limits.uploads(of: task)), RateGrant(limits.fetches(of: task)))
        #expect(received.admit(10, now: start) == nil)
        #expect(sent.admit(10, now: start) == start + .milliseconds(10))
        #expect(sent.admit(10, now: start + .milliseconds(10)) == nil)
        #expect(RateGrant(limits.relays).rate == 1000)
    }

    @Test("The tasks of a node have limits of their own")
    func tasks() throws {
        let limits = try limits("{task: {upload: 1MB/s}}")
        let other = TaskID(url: "http://origin/other")
        #expect(limits.upload.limiter(of: task) === limits.upload.limiter(of: task))
        #expect(limits.upload.limiter(of: task) !== limits.upload.limiter(of: other))
        #expect(limits.downloads(of: task).isEmpty)
    }
}
