import Content
import Foundation
import HTTPService
import Hummingbird
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct StreamTests {
    struct Broken: Error {}

    @Test func sendsABodyOfUnknownLengthChunked() async throws {
        try await withListener {
            $0.get("stream") { _, _ in
                Response(
                    status: .ok,
                    body: .stream { stream in
                        for number in 1...3 { try await stream.write(Array("part \(number)\n".utf8)) }
                    }
                )
            }
        } _: { server in
            let result = try await curl(server.url("/stream"), "--write-out", "%{stderr}%header{transfer-encoding}")
            #expect(result.exitCode == 0)
            #expect(result.text == "part 1\npart 2\npart 3\n")
            #expect(result.errors == "chunked")
        }
    }

    @Test(arguments: [nil, 1000] as [Int64?])
    func mixesBuffersAndFileSlices(length: Int64?) async throws {
        let content = sampleBytes(2000)
        let file = try OpenFile(content)
        try await withListener {
            $0.get("stream") { _, _ in
                Response(
                    status: .ok,
                    body: .stream(length: length) { stream in
                        try await stream.write(Array(content[..<100]))
                        try await stream.write(file.slice(100..<600))
                        try await stream.write([])
                        try await stream.write(file.slice(600..<600))
                        try await stream.write(Array(content[600..<1000]))
                    }
                )
            }
        } _: { server in
            let result = try await curl(server.url("/stream"), server.url("/stream"))
            #expect(result.exitCode == 0)
            #expect(result.output.elementsEqual(content[..<1000] + content[..<1000]))
        }
    }

    @Test(arguments: [nil, 5000] as [Int64?])
    func aBodyThatFailsIsAborted(length: Int64?) async throws {
        try await withListener {
            $0.get("stream") { _, _ in
                Response(
                    status: .ok,
                    body: .stream(length: length) { stream in
                        try await stream.write([UInt8](repeating: 65, count: 3000))
                        throw Broken()
                    }
                )
            }
        } _: { server in
            let result = try await curl(server.url("/stream"))
            #expect(result.exitCode == 18)
            #expect(result.output.count == 3000)
        }
    }

    @Test(
        "A body that fails has no clean end for those either that take the connection's end for it",
        arguments: [false, true]
    )
    func oldClients(encrypted: Bool) async throws {
        let directory = try TemporaryDirectory()
        var configuration = ListenerConfiguration.local()
        var trust: [String] = []
        if encrypted {
            let files = try await TLSTests.certificate(in: directory, name: "server")
            configuration.tls = .init(certificate: files.certificate, key: files.key)
            trust = ["--cacert", files.certificate]
        }
        try await withListener(configuration) { router in
            for isBroken in [false, true] {
                router.get(isBroken ? "broken" : "whole") { _, _ in
                    Response(
                        status: .ok,
                        body: .stream { stream in
                            try await stream.write([UInt8](repeating: 65, count: 3000))
                            if isBroken { throw Broken() }
                        }
                    )
                }
            }
            router.head("whole") { _, _ in Response(status: .ok, body: .stream { _ in }) }
        } _: { server in
            func get(_ path: String, _ more: String...) async throws -> CurlResult {
                let url = server.url(path, scheme: encrypted ? "https" : "http")
                return try await curl(["--http1.0", url] + trust + more)
            }
            let broken = try await get("/broken")
            #expect(broken.exitCode == 56, "\(broken.errors)")
            #expect(broken.output.count == 3000)
            let whole = try await get("/whole")
            #expect(whole.exitCode == 0, "\(whole.errors)")
            #expect(whole.output.count == 3000)
            let head = try await get("/whole", "--head")
            #expect(head.exitCode == 0, "\(head.errors)")
        }
    }

    @Test(arguments: [2999, 3001] as [Int64])
    func aBodyOfAnotherLengthThanAnnouncedIsNeverComplete(announced: Int64) async throws {
        try await withListener {
            $0.get("stream") { _, _ in
                Response(
                    status: .ok,
                    body: .stream(length: announced) { stream in
                        for _ in 0..<3 { try await stream.write([UInt8](repeating: 65, count: 1000)) }
                    }
                )
            }
        } _: { server in
            let result = try await curl(server.url("/stream"))
            #expect(result.exitCode == 18)
            #expect(result.output.count <= 3000)
        }
    }

    @Test func anErrorBeforeTheFirstByteBecomesAnErrorResponse() async throws {
        try await withListener {
            $0.get("stream") { _, _ in
                Response(
                    status: .ok,
                    body: .stream(length: 100) { _ in throw APIError(.badGateway, "origin_failed", "the origin is gone")
                    }
                )
            }
        } _: { server in
            let result = try await curl(server.url("/stream"), "--write-out", "%{stderr}%{http_code}")
            #expect(result.exitCode == 0)
            #expect(result.errors == "502")
            #expect(result.text == #"{"error":{"code":"origin_failed","message":"the origin is gone"}}"#)
        }
    }

    @Test func theHeadCanGoAhead() async throws {
        let (bytes, send) = AsyncStream<Void>.makeStream()
        try await withListener {
            $0.get("stream") { _, _ in
                Response(
                    status: .ok,
                    body: .stream(length: 2) { stream in
                        try await stream.sendHead()
                        _ = await bytes.first { _ in true }
                        try await stream.write(Array("ab".utf8))
                    }
                )
            }
        } _: { server in
            let client = try RawClient(port: server.port)
            try await client.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(String(decoding: try await client.read(15), as: UTF8.self) == "HTTP/1.1 200 OK")
            send.yield()
            var rest = Data()
            while !rest.hasSuffix(Data("ab".utf8)) { rest += try await client.read(1000) }
        }
    }

    @Test func aClientThatDoesNotReadHoldsTheWriterUp() async throws {
        let written = Mutex(0)
        let (ends, end) = AsyncStream<Bool>.makeStream()
        try await withListener {
            $0.get("stream") { _, _ in
                Response(
                    status: .ok,
                    body: .stream { stream in
                        do {
                            while true {
                                try await stream.write([UInt8](repeating: 65, count: 1 << 20))
                                written.withLock { $0 += 1 }
                            }
                        } catch {
                            end.yield(true)
                            throw error
                        }
                    }
                )
            }
        } _: { server in
            let client = try RawClient(port: server.port)
            try await client.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
            var read = 0
            while read < 64 << 20 {
                read += try await client.read(1 << 20).count
                // The writer is ahead by what the sockets hold.
                try #require(written.withLock { $0 } << 20 < read + 32 << 20)
            }
            client.close()
            let ended = await ends.first { _ in true }
            #expect(ended == true)
        }
    }

    @Test func aHeadOfUnknownLengthDoesNotConfuseTheNextResponse() async throws {
        try await withListener {
            let body = ResponseBody.stream { stream in try await stream.write(Array("body".utf8)) }
            $0.head("stream") { _, _ in Response(status: .ok, body: body) }
            $0.get("stream") { _, _ in Response(status: .ok, body: body) }
        } _: { server in
            let result = try await curl("--head", server.url("/stream"), "--next", "-s", server.url("/stream"))
            #expect(result.exitCode == 0)
            #expect(result.text.hasSuffix("\r\n\r\nbody"))
        }
    }
}

extension Data {
    func hasSuffix(_ other: Data) -> Bool { suffix(other.count) == other }
}
