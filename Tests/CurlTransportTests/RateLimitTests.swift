import Content
import RateLimiting
import TestSupport
import Testing

@testable import CurlTransport

@Suite struct RateLimitTests {
    @Test(arguments: [1, 4]) func transfersKeepTheLimitTheyShare(count: Int) async throws {
        let size = 2_000_000 / count
        let content = randomBytes(size, seed: 6)
        try await withScriptedServer {
            .content(content, for: $0)
        } body: { server in
            try await withTransport { transport in
                let limiter = RateLimiter(bytesPerSecond: 2_000_000)
                let begin = ContinuousClock.now
                let ends = try await withThrowingTaskGroup(of: Double.self) { group in
                    for _ in 0..<count {
                        group.addTask {
                            var request = TransferRequest(to: server.url())
                            request.options.rateLimits = [limiter]
                            let response = try await transport.fetch(request)
                            #expect(response.body.elementsEqual(content))
                            return (ContinuousClock.now - begin).seconds
                        }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                // Never faster; slower is what a busy machine may be, and the reservations above tell the rest.
                #expect((ends.max() ?? 0) > 0.85, "\(ends)")
                // Nobody is served last: all get about the same at any time.
                #expect((ends.min() ?? 0) > 0.7, "\(ends)")
            }
        }
    }

    @Test func anUploadKeepsItsLimit() async throws {
        try await withScriptedServer { _ in
            .respond()
        } body: { server in
            try await withTransport { transport in
                var request = TransferRequest(to: server.url(), method: "PUT")
                request.body = .stream(length: 500_000, ByteSource(randomBytes(500_000, seed: 7)))
                request.options.rateLimits = [RateLimiter(bytesPerSecond: 1_000_000)]
                let begin = ContinuousClock.now
                _ = try await transport.fetch(request)
                let seconds = (ContinuousClock.now - begin).seconds
                #expect(seconds > 0.4, "\(seconds)")
            }
        }
    }
}
