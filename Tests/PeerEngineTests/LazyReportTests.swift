import CacheStore
import Content
import TestSupport
import Testing
import WireAPI

@testable import PeerEngine

/// What a supernode is told of what readers want.
@Suite(.timeLimit(.minutes(1))) struct LazyReportTests {
    @Test("Wishes are told as they come and go, and in every report")
    func wishes() async throws {
        try await withIdleDownload(isLazy: true) { idle in
            let download = idle.download
            #expect(download.report(for: 1)?.wanted == [])
            #expect(!download.hasNews)
            var first = download.want(ByteRange(0..<5))
            #expect(download.hasNews)
            #expect(download.report(for: 2)?.wanted == [0])
            #expect(!download.hasNews)
            let second = download.want(ByteRange(600_000..<600_001))
            #expect(download.report(for: 3)?.wanted == [0, 2])
            first = nil
            #expect(first == nil && download.hasNews)
            #expect(download.report(for: 4)?.wanted == [2])
            // Nothing is new, and it is said all the same: what is left out would be a wish for everything.
            #expect(download.report(for: 5)?.wanted == [2])
            withExtendedLifetime(second) {}
        }
    }

    @Test("Whoever wants all changes that for everybody", arguments: [false, true])
    func all(takesPart: Bool) async throws {
        try await withIdleDownload(isLazy: true) { idle in
            #expect(idle.download.report(for: 1)?.wanted == [])
            if takesPart {
                idle.download.takePart(DownloadRequest(resource: idle.download.request.resource))
            } else {
                idle.download.wantAll()
            }
            #expect(idle.download.hasNews)
            let report = try #require(idle.download.report(for: 2))
            #expect(report.wanted == nil)
            #expect(idle.download.want(ByteRange(0..<5)) == nil)
        }
    }

    @Test("Another lazy reader leaves it as it is, and a download for all says nothing of it")
    func none() async throws {
        try await withIdleDownload(isLazy: true) { idle in
            idle.download.takePart(DownloadRequest(resource: idle.download.request.resource, isLazy: true))
            #expect(idle.download.report(for: 1)?.wanted == [])
        }
        try await withIdleDownload { idle in
            let report = try #require(idle.download.report(for: 1))
            #expect(report.wanted == nil)
        }
    }

    @Test("Of a part nothing is held back, not even the last byte; of the whole it is")
    func lastByte() async throws {
        try await withIdleDownload(isLazy: true) { idle in
            let head = try await idle.head
            let end = Int64(idle.bytes.count)
            try await idle.commit(11)
            let part = try await idle.download.next(head, ByteRange(end - 10..<end), from: end - 10)
            #expect(part == ByteRange(end - 10..<end))
            for piece in 0..<11 { try await idle.commit(piece) }
            let whole = try await idle.download.next(head, ByteRange(length: end), from: 0)
            #expect(whole == ByteRange(0..<end - 1))
        }
    }

    @Test("Arrivals are seen before a piece is whole; what is here as a whole has arrived")
    func arrivals() async throws {
        try await withIdleDownload { idle in
            let first = try #require(idle.download.arrived)
            try idle.bytes[..<100].withUnsafeBytes { try idle.file.write($0, at: 0) }
            let second = try #require(idle.download.arrived)
            #expect(second > first)
            for piece in 0..<12 { try await idle.commit(piece) }
            #expect(idle.download.arrived == nil)
        }
        try await withIdleDownload(begins: false) { #expect($0.download.arrived == 0) }
    }
}
