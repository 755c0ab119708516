import Foundation
import HTTPService
import HTTPTypes
import Hummingbird
import Logging
import Synchronization
import Testing

@Suite struct APITests {
    struct Message: Codable, Sendable {
        let name: String
        let parts: [Int]
    }

    struct Secret: Error, CustomStringConvertible {
        let description = "password is 1234"
    }

    static func status(_ url: String, _ arguments: String...) async throws -> (String, String) {
        try await status(url, arguments)
    }

    static func status(_ url: String, _ arguments: [String]) async throws -> (String, String) {
        let result = try await run("/usr/bin/curl", ["-s", url, "--write-out", "%{stderr}%{http_code}"] + arguments)
        return (result.errors, result.text)
    }

    @Test func errorsBecomeJSON() async throws {
        let log = LogCapture()
        try await withListener(logger: log.logger) { router in
            router.get("known") { _, _ -> Response in
                throw APIError.unavailable("soon", retryAfter: .milliseconds(1500))
            }
            router.get("secret") { _, _ -> Response in throw Secret() }
            router.post("json") { request, _ in
                Response.json(try await request.json(Message.self, limit: 200).parts)
            }
        } _: { server in
            let known = try await Self.status(server.url("/known"), "--include")
            #expect(known.0 == "503")
            #expect(known.1.contains("\r\nRetry-After: 2\r\n"))
            #expect(known.1.hasSuffix(#"{"error":{"code":"unavailable","message":"soon"}}"#))
            let secret = try await Self.status(server.url("/secret"))
            #expect(secret == ("500", #"{"error":{"code":"internal","message":"an internal error"}}"#))
            #expect(log.text.contains("password is 1234"))
            let missing = try await Self.status(server.url("/nothing"))
            #expect(missing == ("404", #"{"error":{"code":"not_found","message":"Not Found"}}"#))
            let posts = [
                (#"{"name":"a","parts":[1,2]}"#, "200", "[1,2]"),
                (#"{"name":"a","parts":[1,"x"]}"#, "400", "parts.[1]"),
                (#"{"name":"a"}"#, "400", "parts: missing"), ("", "400", "bad_request"), ("{", "400", "bad_request"),
                (String(repeating: "a", count: 201), "413", "too_large"),
            ]
            for (body, code, part) in posts {
                let answer = try await Self.status(server.url("/json"), "--data", body)
                #expect(answer.0 == code)
                #expect(answer.1.contains(part))
            }
        }
    }

    @Test func tellsHowAProcessIsDoing() async throws {
        let isReady = Mutex(false)
        let registry = PrometheusRegistry()
        let routes = OperationalRoutes(
            version: VersionInformation(name: "supernode", version: "1.2.3"),
            checks: [
                ReadinessCheck("store") { isReady.withLock { $0 } ? nil : "opening" },
                ReadinessCheck("clock") { nil },
            ],
            metrics: registry
        )
        try await withListener(metrics: registry, routes: routes.add) { server in
            let value1 = try await Self.status(server.url("/healthz"))
            #expect(value1 == ("200", "ok\n"))
            let unready = try await Self.status(server.url("/readyz"))
            #expect(unready.0 == "503")
            #expect(unready.1.contains(#"{"name":"store","ready":false,"reason":"opening"}"#))
            isReady.withLock { $0 = true }
            let value2 = try await Self.status(server.url("/readyz")).0
            #expect(value2 == "200")
            let version = try await Self.status(server.url("/version"))
            #expect(version == ("200", #"{"api":["v1"],"name":"supernode","version":"1.2.3"}"#))
            let first = try await Self.status(server.url("/metrics"), "--include").1
            #expect(first.contains("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"))
            #expect(first.contains("http_requests_total{listener=\"test\",status=\"503\"} 1\n"))
            #expect(first.contains("http_connections{listener=\"test\"} "))
        }
        // A request is counted when its response has left, so only now all are.
        let last = registry.exposition()
        #expect(last.contains("http_requests_total{listener=\"test\",status=\"200\"} 4\n"))
        #expect(last.contains("http_request_duration_seconds_count{listener=\"test\"} 5\n"))
        #expect(last.contains("http_connections{listener=\"test\"} 0\n"))
    }

    @Test("OPTIONS * tells what there are routes for, and nothing else changes")
    func serverOptions() async throws {
        try await withListener { router in
            router.get("a") { _, _ in Response.text("a") }
            router.delete("b") { _, _ in Response(status: .noContent) }
            router.addServerOptions()
        } _: { server in
            let base = server.url("")
            for arguments in [["--include"], ["--include", "--request-target", "*"]] {
                let answer = try await Self.status(base, ["--request", "OPTIONS"] + arguments)
                #expect(answer.0 == (arguments.count == 3 ? "204" : "404"))
                #expect(answer.1.contains("\r\nAllow: GET, HEAD, DELETE, OPTIONS\r\n") == (arguments.count == 3))
            }
            #expect(try await Self.status(base, ["--request-target", "*"]).0 == "404")
            #expect(try await Self.status(server.url("/a")) == ("200", "a"))
        }
    }

    @Test func theAccessLogTellsWhatWasSentButNoSecrets() async throws {
        let log = LogCapture()
        try await withListener(logger: log.logger) { router in
            router.get("blob/:name") { _, _ in
                Response(
                    status: .ok,
                    body: .stream(length: 5000) { stream in
                        try await stream.write([UInt8](repeating: 1, count: 2000))
                        throw Secret()
                    }
                )
            }
            router.get("hello") { _, _ in Response.text("hello") }
        } _: { server in
            _ = try await curl(server.url("/hello?token=s3cret&b=s3cret"), "--header", "Authorization: Basic s3cret")
            _ = try await curl(server.url("/blob/x"))
        }
        let lines = log.text.split(separator: "\n").filter { $0.hasPrefix("request ") }
        #expect(lines.count == 2)
        for part in ["method=GET", "path=/hello?token=&b= ", "status=200", "bytes=5 ", "remote=127.0.0.1:", "ms="] {
            #expect(lines.first?.contains(part) == true)
        }
        #expect(lines.last?.contains("aborted=true") == true)
        #expect(lines.last?.contains("bytes=2000 ") == true)
        #expect(!log.text.contains("s3cret"))
    }

    @Test(
        "What is no request has a line that says who, and what is wrong, and nothing that the client said",
        arguments: [
            ("s3cret\r\n\r\n", 400, "invalid"), ("s3cret / HTTP/1.1\r\n\r\n", 501, "invalid"),
            ("GET /s3cret HTTP/1.1\r\n\r\n", 400, "not one Host field but 0"),
            ("GET /s3cret HTTP/1.1\r\nHost: x\r\nHost: s3cret\r\n\r\n", 400, "not one Host field but 2"),
            (
                "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: s3cret\r\n\r\n", 400,
                "a transfer coding that is not chunked"
            ),
            ("GET / HTTP/1.1\r\nHost: x\r\ns3cret : a\r\n\r\n", 400, "invalid character in header"),
            (
                "GET / HTTP/1.1\r\nHost: x\r\nA: \(String(repeating: "s3cret", count: 1000))", 431,
                "too many header bytes"
            ),
            ("GET / HTTP/1.1\r\nHost: s3cret\r\n", 400, "ended at an unexpected time"),
            (
                "POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\ns3cret", 400, "ended at an unexpected time"
            ),
        ]
    )
    func refusals(text: String, status: Int, why: String) async throws {
        let log = LogCapture()
        let metrics = PrometheusRegistry()
        var configuration = ListenerConfiguration.local()
        configuration.maximumHeaderBytes = 4096
        try await withListener(configuration, logger: log.logger, metrics: metrics) { router in
            ListenerTests.hello(router)
            router.post("up") { request, _ in
                _ = try await request.collect(limit: 100)
                return Response.text("")
            }
        } _: { server in
            let client = try RawClient(port: server.port)
            try await client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n\(text)")
            client.endOutput()
            let answers = String(decoding: try await client.readToTheLast(), as: UTF8.self)
            #expect(answers.split(separator: "HTTP/1.1 ").map { $0.prefix(3) } == ["200", "\(status)"], "\(answers)")
        }
        let lines = log.text.split(separator: "\n").filter { $0.hasPrefix("request ") }
        #expect(lines.count == 2)
        let line = try #require(lines.first { $0.contains("status=\(status)") })
        #expect(line.contains("remote=127.0.0.1:") && line.contains("ms=") && line.contains("refused="), "\(line)")
        #expect(line.contains(why) && line.count < 300, "\(line)")
        #expect(!log.text.contains("s3cret"))
        #expect(metrics.exposition().contains(#"http_requests_total{listener="test",status="\#(status)"} 1"#))
    }

    @Test("A client that closes once it has all that was announced has aborted nothing", arguments: [2000, 2001])
    func closedAtOnce(announced: Int64) async throws {
        let log = LogCapture()
        try await withListener(logger: log.logger) { router in
            router.get("blob") { _, context in
                let closed = context.channel.closeFuture
                return Response(
                    status: .ok,
                    body: .stream(length: announced) { stream in
                        for _ in 0..<2 { try await stream.write([UInt8](repeating: 1, count: 1000)) }
                        try await closed.get()
                        if announced > 2000 { try await stream.write([1]) }
                    }
                )
            }
        } _: { server in
            let client = try RawClient(port: server.port)
            client.resetAtClose()
            try await client.send("GET /blob HTTP/1.1\r\nHost: a\r\n\r\n")
            var count = 0
            while count < 2000 { count += try await client.read(4096).count { $0 == 1 } }
        }
        let lines = log.text.split(separator: "\n").filter { $0.hasPrefix("request ") }
        #expect(lines.count == 1)
        #expect(lines.first?.contains("bytes=2000 ") == true)
        #expect(lines.first?.contains("aborted=true") == (announced > 2000))
    }
}

/// Keeps what is logged, one line per message with its metadata.
final class LogCapture: Sendable {
    private let lines = Mutex<[String]>([])

    var text: String { lines.withLock { $0.joined(separator: "\n") } }
    var logger: Logger { Logger(label: "test") { _ in Handler(capture: self) } }

    private struct Handler: LogHandler {
        let capture: LogCapture
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level = .debug

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let all = metadata.merging(event.metadata ?? [:]) { $1 }.map { "\($0)=\($1) " }.sorted().joined()
            capture.lines.withLock { $0.append("\(event.message) \(all)") }
        }
    }
}
