import Foundation
import HTTPService
import Hummingbird
import Testing

@Suite struct SlowClientTests {
    @Test(arguments: ["", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: x\r\nA: "])
    func aClientThatNeverSendsItsHeaderIsClosed(sent: String) async throws {
        var configuration = ListenerConfiguration.local()
        configuration.headerTimeout = .milliseconds(300)
        try await withListener(configuration, routes: ListenerTests.hello) { server in
            let client = try RawClient(port: server.port)
            try await client.send(sent)
            let start = ContinuousClock.now
            _ = try? await client.readToEnd()
            // Without the configured time it would be the default of 10 s.
            #expect(start.duration(to: .now) < .seconds(9))
        }
    }

    @Test func anIdleConnectionIsClosed() async throws {
        var configuration = ListenerConfiguration.local()
        configuration.idleTimeout = .milliseconds(300)
        try await withListener(configuration, routes: ListenerTests.hello) { server in
            let client = try RawClient(port: server.port)
            try await client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
            let start = ContinuousClock.now
            let value1 = try await client.readToEnd().isEmpty
            #expect(value1 == false)
            #expect(start.duration(to: .now) < .seconds(30))
        }
    }

    @Test func aBodyThatStopsArrivingIsGivenUp() async throws {
        var configuration = ListenerConfiguration.local()
        configuration.idleTimeout = .milliseconds(300)
        try await withListener(configuration) {
            $0.post("up") { request, _ in
                let buffer = try await request.collect(limit: 1000)
                return Response.text("\(buffer.readableBytes)")
            }
        } _: { server in
            let client = try RawClient(port: server.port)
            try await client.send("POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
            let start = ContinuousClock.now
            let answer = String(decoding: (try? await client.readToEnd()) ?? Data(), as: UTF8.self)
            #expect(start.duration(to: .now) < .seconds(30))
            #expect(!answer.hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test func aReaderThatStopsReadingIsGivenUp() async throws {
        let (ends, end) = AsyncStream<SendReport>.makeStream()
        var configuration = ListenerConfiguration.local()
        configuration.stallTimeout = .milliseconds(500)
        let file = try OpenFile(Data(count: 64 << 20))
        try await withListener(configuration) {
            $0.get("file") { _, _ in Response.file(file.slice(0..<(64 << 20))) { end.yield($0) } }
        } _: { server in
            let client = try RawClient(port: server.port)
            try await client.send("GET /file HTTP/1.1\r\nHost: x\r\n\r\n")
            let start = ContinuousClock.now
            let report = await ends.first { _ in true }
            #expect(report?.failure != nil)
            #expect(start.duration(to: .now) < .seconds(10))
            withExtendedLifetime(client) {}
        }
    }

    @Test func aHeaderThatIsTooLargeIsRefused() async throws {
        var configuration = ListenerConfiguration.local()
        configuration.maximumHeaderBytes = 4096
        try await withListener(configuration, routes: ListenerTests.hello) { server in
            let client = try RawClient(port: server.port)
            try await client.send(
                "GET /hello HTTP/1.1\r\nHost: x\r\nA: \(String(repeating: "a", count: 100_000))\r\n\r\n"
            )
            let answer = (try? await client.readToEnd()) ?? Data()
            #expect(answer.isEmpty || String(decoding: answer, as: UTF8.self).hasPrefix("HTTP/1.1 4"))
        }
    }

    @Test func aBodyThatNobodyWantsIsNotReadForEver() async throws {
        try await withListener {
            $0.post("up") { request, _ in
                _ = try await request.collect(limit: 1000)
                return Response.text("ok")
            }
        } _: { server in
            let client = try RawClient(port: server.port)
            try await client.send("POST /up HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            let chunk = "1000\r\n" + String(repeating: "b", count: 0x1000) + "\r\n"
            let start = ContinuousClock.now
            do {
                while start.duration(to: .now) < .seconds(10) { try await client.send(chunk) }
                Issue.record("the server went on reading")
            } catch {}
        }
    }

    @Test func aRefusedUploadGetsItsAnswer() async throws {
        let file = try TemporaryFile(sampleBytes(3 << 20))
        try await withListener {
            $0.post("up") { request, _ in
                _ = try await request.collect(limit: 1000)
                return Response.text("ok")
            }
        } _: { server in
            for expect in ["Expect:", "Expect: 100-continue"] {
                let result = try await curl(
                    "--data-binary",
                    "@\(file.url.path)",
                    "--header",
                    expect,
                    "--write-out",
                    "%{stderr}%{http_code}",
                    server.url("/up")
                )
                #expect(result.errors.hasSuffix("413"))
                #expect(
                    result.text == #"{"error":{"code":"too_large","message":"the body is larger than 1000 bytes"}}"#
                )
            }
        }
    }

    @Test func anExpectingClientNeedNotWait() async throws {
        let file = try TemporaryFile(sampleBytes(3 << 20))
        try await withListener {
            $0.post("up") { request, _ in
                Response.text("\(try await request.collect(limit: 4 << 20).readableBytes)")
            }
        } _: { server in
            let start = ContinuousClock.now
            let result = try await curl(
                "--data-binary",
                "@\(file.url.path)",
                "--expect100-timeout",
                "15",
                "--header",
                "Expect: 100-continue",
                server.url("/up")
            )
            #expect(result.text == "\(3 << 20)")
            #expect(start.duration(to: .now) < .seconds(8))
        }
    }
}
