import Content
import Foundation
import HTTPService
import Hummingbird
import RateLimiting
import Synchronization
import Testing

@Suite struct FileResponseTests {
    static let content = sampleBytes(20 << 20)

    @Test(
        arguments: [0..<1, 0..<0, 5..<5, 1000..<(20 << 20), 0..<(20 << 20), (8 << 20)..<(16 << 20)] as [Range<Int64>]
    )
    func sendsTheSliceThatIsMeant(range: Range<Int64>) async throws {
        let reports = Mutex<[Int64]>([])
        let file = try OpenFile(Self.content)
        try await withListener {
            $0.get("file") { _, _ in
                Response.file(file.slice(range), status: .partialContent) { report in
                    reports.withLock { $0.append(report.failure == nil ? report.bytes : -1) }
                }
            }
        } _: { server in
            let result = try await curl(
                server.url("/file"),
                "--write-out",
                "%{stderr}%{http_code} %header{content-length}"
            )
            #expect(result.exitCode == 0)
            #expect(result.output.elementsEqual(Self.content[Int(range.lowerBound)..<Int(range.upperBound)]))
            #expect(result.errors == "206 \(range.count)")
        }
        #expect(reports.withLock { $0 } == [Int64(range.count)])
    }

    @Test func answersSeveralRequestsOnOneConnection() async throws {
        let file = try OpenFile(Self.content)
        try await withListener {
            $0.get("file/:n") { _, context in
                let number = Int64(context.parameters.get("n") ?? "") ?? 0
                return Response.file(file.slice(number..<(number + 300_000)))
            }
        } _: { server in
            let result = try await curl(
                server.url("/file/[1-9]"),
                "--write-out",
                "%{stderr}%{num_connects} "
            )
            #expect(result.exitCode == 0)
            #expect(result.output.elementsEqual((1...9).reduce(Data()) { $0 + Self.content[$1..<($1 + 300_000)] }))
            #expect(result.errors == "1 0 0 0 0 0 0 0 0 ")
        }
    }

    @Test func answersPipelinedRequestsInOrder() async throws {
        let file = try OpenFile(Self.content)
        try await withListener {
            $0.get("file/:n") { _, context in
                let number = Int64(context.parameters.get("n") ?? "") ?? 0
                return Response.file(file.slice(number..<(number + 100_000)))
            }
        } _: { server in
            let client = try RawClient(port: server.port)
            let requests = (1...5).map {
                "GET /file/\($0) HTTP/1.1\r\nHost: x\r\n\(($0 == 5) ? "Connection: close\r\n" : "")\r\n"
            }
            try await client.send(requests.joined())
            let answer = try await client.readToEnd()
            var rest = answer[...]
            for number in 1...5 {
                let end = try #require(rest.range(of: Data("\r\n\r\n".utf8)))
                let body = rest[end.upperBound...].prefix(100_000)
                #expect(body == Self.content[number..<(number + 100_000)])
                rest = rest[(end.upperBound + 100_000)...]
            }
            #expect(rest.isEmpty)
        }
    }

    @Test func releasesTheOwnerWhenTheClientLeaves() async throws {
        let (closed, signal) = AsyncStream<Bool>.makeStream()
        let (ends, end) = AsyncStream<Bool>.makeStream()
        try await withListener {
            $0.get("file") { _, _ in
                let file = try OpenFile(Self.content) { signal.yield(true) }
                return Response.file(file.slice(0..<(20 << 20))) { report in end.yield(report.failure == nil) }
            }
        } _: { server in
            let client = try RawClient(port: server.port)
            try await client.send("GET /file HTTP/1.1\r\nHost: x\r\n\r\n")
            _ = try await client.read(1000)
            client.close()
            let isClosed = await closed.first { _ in true }
            #expect(isClosed == true)
            let isSent = await ends.first { _ in true }
            #expect(isSent == false)
        }
    }

    @Test func reportsOnceAlsoForARequestWithoutABody() async throws {
        let reports = Mutex<[Bool]>([])
        let file = try OpenFile(Self.content)
        try await withListener {
            $0.head("file") { _, _ in
                Response.file(file.slice(0..<5000)) { report in reports.withLock { $0.append(report.failure == nil) } }
            }
        } _: { server in
            let result = try await curl("--head", server.url("/file"), "--next", "-s", "--head", server.url("/file"))
            #expect(result.exitCode == 0)
            #expect(result.text.components(separatedBy: "Content-Length: 5000").count == 3)
        }
        #expect(reports.withLock { $0 } == [false, false])
    }

    @Test func abortsWhenTheFileIsShorterThanAnnounced() async throws {
        let file = try OpenFile(Self.content)
        file.truncate(to: 9 << 20)
        try await withListener {
            $0.get("file") { _, _ in Response.file(file.slice(0..<(20 << 20))) }
        } _: { server in
            let result = try await curl(server.url("/file"))
            #expect(result.exitCode == 18)
            #expect(result.output.elementsEqual(Self.content[..<(8 << 20)]))
        }
    }

    @Test(arguments: [false, true])
    func keepsItsLimit(ofAnotherTransfersPart isShared: Bool) async throws {
        let file = try OpenFile(Self.content)
        let node = RateLimiter(bytesPerSecond: 2_000_000)
        let limiter = isShared ? RateLimiter(bytesPerSecond: nil, within: node) : node
        try await withListener {
            $0.get("file") { _, _ in Response.file(file.slice(0..<1_000_000), limits: [limiter]) }
        } _: { server in
            let begin = ContinuousClock.now
            let result = try await curl(server.url("/file"))
            #expect(result.output.elementsEqual(Self.content[..<1_000_000]))
            // Never faster; how exact it is, `make bench-limits` tells.
            #expect(ContinuousClock.now - begin > .milliseconds(400))
        }
    }
}
