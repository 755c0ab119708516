import Content
import CurlTransport
import Foundation
import RateLimiting
import TestSupport
import Testing

/// `file://` through libcurl: blocking, so on a transport of its own.
@Suite struct FileTests {
    let content = randomBytes(500_000, seed: 9)

    private func withFile(_ body: (TransferRequest) async throws -> Void) async throws {
        try await withTemporaryDirectory { directory in
            try Data(content).write(to: URL(filePath: "\(directory)/f"))
            let file = try FileHandle(forReadingFrom: URL(filePath: "\(directory)/f"))
            defer { try? file.close() }
            var request = TransferRequest(url: "file:///proc/self/fd/\(file.fileDescriptor)")
            request.options.schemes = ["file"]
            try await body(request)
        }
    }

    @Test func aFileAndPartsOfItAreRead() async throws {
        try await withFile { request in
            try await withTransport { transport in
                let whole = try await transport.fetch(request)
                #expect(whole.body.elementsEqual(content))
                #expect(whole.head.status == 200)
                #expect(whole.head.contentLength == 500_000)
                var part = request
                part.range = .closed(ByteRange(100_000..<300_001))
                let middle = try await transport.fetch(part)
                #expect(middle.body == Array(content[100_000..<300_001]))
                #expect(middle.head.status == 206)
                part.range = .from(499_990)
                let response = try await transport.fetch(part)
                #expect(response.body == Array(content[499_990...]))
                part.range = .from(500_001)
                let error = await failure { [part] in try await transport.fetch(part) }
                #expect(error?.code == .rangeNotSatisfiable, "\(String(describing: error))")
            }
        }
    }

    @Test func theHeadOfAFileHasItsLength() async throws {
        try await withFile { request in
            try await withTransport { transport in
                var request = request
                request.method = "HEAD"
                let response = try await transport.fetch(request)
                #expect(response.head.contentLength == 500_000)
                #expect(response.body.isEmpty)
            }
        }
    }

    @Test func aSinkThatPausesIsToldThatItCanNot() async throws {
        try await withFile { request in
            try await withTransport { transport in
                let error = await failure {
                    try await transport.perform(request, into: RecordingSink { _ in .paused })
                }
                #expect(error?.code == .unsupported)
                #expect(error?.message.contains("can not be paused") == true)
            }
        }
    }

    @Test func aMissingFileIsAnError() async throws {
        try await withTransport { transport in
            var request = TransferRequest(url: "file:///nonexistent/file")
            request.options.schemes = ["file"]
            let error = await failure { [request] in try await transport.fetch(request) }
            #expect(error?.code == .io)
            #expect(error?.curlCode == 37)
        }
    }

    @Test func aLimitedFileWaitsAndCanBeCancelled() async throws {
        try await withFile { request in
            try await withTransport { transport in
                var request = request
                request.options.rateLimits = [RateLimiter(bytesPerSecond: 1_000_000)]
                let begin = ContinuousClock.now
                let response = try await transport.fetch(request)
                #expect(response.body.elementsEqual(content))
                let seconds = (ContinuousClock.now - begin).seconds
                #expect(seconds > 0.4, "\(seconds)")
                request.options.rateLimits = [RateLimiter(bytesPerSecond: 1000)]
                let sink = RecordingSink()
                let task = Task { [request] in
                    await failure { try await transport.perform(request, into: sink) }
                }
                await sink.gotBytes.wait()
                task.cancel()
                #expect(await task.value?.code == .cancelled)
            }
        }
    }
}
