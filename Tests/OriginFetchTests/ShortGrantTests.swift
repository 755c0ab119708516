import BackendAPI
import CacheStore
import Content
import OriginFetch
import TestSupport
import Testing

/// Grants less than it is asked for, as RFC 9110 §15.3.7 allows.
private struct StingyBackend: Backend {
    let base: any Backend
    let most: Int64

    var capabilities: BackendCapabilities { base.capabilities }

    func fetch(_ request: OriginRequest, into sink: any ContentSink) async throws(BackendError) {
        var request = request
        if case .closed(let range) = request.range {
            request.range = .closed(ByteRange(range.offset..<min(range.end, range.offset + most)))
        }
        try await base.fetch(request, into: sink)
    }

    func head(_ request: OriginRequest) async throws(BackendError) -> ContentHead { try await base.head(request) }
}

@Suite struct ShortGrantTests {
    @Test("What an origin did not grant is asked for again", arguments: [100_000, 262_144, 3_000_001] as [Int64])
    func shortGrant(most: Int64) async throws {
        try await withOrigin(segment: 4 << 20) { origin in
            let bytes = randomBytes(20 << 20, seed: 9)
            origin.backend.set(.init(bytes), at: origin.url)
            let outcome = try await origin.fetcher.fetch(
                origin.resource,
                credentials: Credentials(),
                from: StingyBackend(base: origin.backend, most: most),
                to: origin.destination
            ) { _, _ in }
            guard case .fetched(let file) = outcome else {
                Issue.record("nothing was fetched")
                return
            }
            #expect(try await file.contentDigest() == Digest.of(bytes))
            #expect(origin.backend.bytesSent == Int64(bytes.count))
        }
    }
}
