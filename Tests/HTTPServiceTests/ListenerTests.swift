import Content
import Foundation
import HTTPService
import Hummingbird
import Logging
import NIOCore
import Testing

@Suite struct ListenerTests {
    static func hello(_ router: Router<ServiceRequestContext>) {
        router.get("hello") { _, context in Response.text("\(context.remote.ip ?? "unix")") }
    }

    static func listener(_ address: ListenAddress) -> HTTPListener {
        HTTPListener(
            name: "api",
            configuration: ListenerConfiguration(address: address),
            responder: Router(context: ServiceRequestContext.self).buildResponder(),
            logger: quietLogger
        )
    }

    @Test func servesIPv4AndIPv6AtOneAddress() async throws {
        var configuration = ListenerConfiguration.local()
        configuration.address = ListenAddress(.tcp(host: "::", port: 0))
        try await withListener(configuration, routes: Self.hello) { server in
            let value1 = try await curl("http://127.0.0.1:\(server.port)/hello").text
            #expect(value1 == "127.0.0.1")
            guard server.address.description.hasPrefix("[::]") else { return }  // a machine without IPv6
            let value2 = try await curl("http://[::1]:\(server.port)/hello").text
            #expect(value2 == "::1")
        }
    }

    @Test func refusesWhatIsAskedOnConnectionsBeyondTheBound() async throws {
        var configuration = ListenerConfiguration.local()
        configuration.connections = 2
        try await withListener(configuration, routes: Self.hello) { server in
            let request = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"
            let clients = [try RawClient(port: server.port), try RawClient(port: server.port)]
            for client in clients {
                try await client.send(request)
                let answer = String(decoding: try await client.read(4096), as: UTF8.self)
                #expect(answer.hasPrefix("HTTP/1.1 200 "))
            }
            let third = try RawClient(port: server.port)
            try await third.send(request)
            let refusal = String(decoding: try await third.readToEnd(), as: UTF8.self).lowercased()
            #expect(refusal.hasPrefix("http/1.1 503 ") && refusal.contains("retry-after: 5"))
            for client in clients {
                try await client.send(request)
                let answer = String(decoding: try await client.read(4096), as: UTF8.self)
                #expect(answer.hasPrefix("HTTP/1.1 200 "))
            }
        }
    }

    @Test(
        "A request that two readers would take for two different ones is refused (RFC 9112 §3.2, §6.1)",
        arguments: [
            ("GET /hello HTTP/1.1\r\n", 400), ("GET http://a/hello HTTP/1.1\r\n", 400),
            ("GET /hello HTTP/1.1\r\nHost: a\r\nhost: a\r\n", 400),
            ("GET /hello HTTP/1.0\r\nHost: a\r\nHost: b\r\n", 400),
            ("CONNECT a:443 HTTP/1.1\r\n", 400), ("GET /hello HTTP/1.1\r\nHost: a\r\n", 200),
            ("GET /hello HTTP/1.1\r\nHost:\r\n", 200), ("GET /hello HTTP/1.0\r\n", 200),
            ("GET /hello HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n", 400),
            ("GET /hello HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n", 400),
            ("GET /hello HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n", 200),
        ]
    )
    func ambiguousRequests(head: String, status: Int) async throws {
        try await withListener(routes: Self.hello) { server in
            let client = try RawClient(port: server.port)
            // Behind one that is answered, as it may be on any connection.
            try await client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n\(head)\r\n")
            if status == 200 {
                try await client.send("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            }
            let answers = String(decoding: try await client.readToTheLast(), as: UTF8.self).split(
                separator: "HTTP/1.1 "
            )
            #expect(answers.prefix(2).map { $0.prefix(3) } == ["200", "\(status)"])
            if status == 400 { #expect(answers.count == 2) }
        }
    }

    @Test(
        "What is too large or not known is told from what is no request (RFC 6585 §5, RFC 9110 §15.6.2)",
        arguments: [
            ("GET /hello HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "a", count: 70_000))\r\n", 431),
            ("GET /hello HTTP/1.1\r\nHost: a\r\n\(String(repeating: "X: y\r\n", count: 300))", 431),
            ("GET /hello HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "a", count: 3 << 20))\r\n", 431),
            ("FOO /hello HTTP/1.1\r\nHost: a\r\n", 501), ("get /hello HTTP/1.1\r\nHost: a\r\n", 501),
            ("PROPFIND /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n", 404),
            ("GET /hello HTTP/1.1\r\nHost a\r\n", 400), ("(/hello HTTP/1.1\r\n", 400), ("\u{16}\u{3}\u{1}\r\n", 400),
        ],
        [false, true]
    )
    func refusedRequests(request: (head: String, status: Int), isFirst: Bool) async throws {
        try await withListener(routes: Self.hello) { server in
            let client = try RawClient(port: server.port)
            let first = isFirst ? "" : "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"
            // The server need not read all of it.
            try? await client.send("\(first)\(request.head)\r\n")
            let text = String(decoding: try await client.readToTheLast(), as: UTF8.self)
            let answers = text.components(separatedBy: "HTTP/1.1 ").dropFirst()
            #expect(answers.map { String($0.prefix(3)) } == (isFirst ? [] : ["200"]) + ["\(request.status)"])
            #expect(answers.last?.lowercased().contains("\r\nconnection: close\r\n") == true)
        }
    }

    @Test("Clients of HTTP/1.0 and 1.1 that do not wait for their answers get each the framing that it knows")
    func pipelinedVersions() async throws {
        try await withListener { router in
            router.get("chunks") { _, _ in
                Response(
                    status: .ok,
                    body: ResponseBody { writer in
                        try await writer.write(ByteBuffer(string: "some"))
                        try await writer.finish(nil)
                    }
                )
            }
        } _: { server in
            let client = try RawClient(port: server.port)
            let head = "GET /chunks HTTP/1.1\r\nHost: a\r\n\r\n"
            try await client.send("\(head)\(head)GET /chunks HTTP/1.0\r\n\r\n\(head)")
            let text = String(decoding: try await client.readToTheLast(), as: UTF8.self)
            let answers = text.split(separator: "HTTP/1.").map { $0.lowercased() }
            #expect(answers.count == 3, "\(text)")
            for answer in answers.prefix(2) {
                #expect(
                    answer.contains("transfer-encoding: chunked") && answer.hasSuffix("4\r\nsome\r\n0\r\n\r\n"),
                    "\(text)"
                )
            }
            #expect(
                answers.last?.contains("chunked") == false && answers.last?.hasSuffix("\r\n\r\nsome") == true,
                "\(text)"
            )
        }
    }

    @Test func aUnixSocketIsPrivateAndRemovedAtTheEnd() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.url.appendingPathComponent("api.sock").path
        var configuration = ListenerConfiguration.local()
        configuration.address = ListenAddress(.unix(path: path))
        let file = try OpenFile(sampleBytes(3 << 20))
        try await withListener(configuration) { router in
            Self.hello(router)
            router.get("file") { _, _ in Response.file(file.slice(0..<(3 << 20))) }
        } _: { server in
            #expect(server.address.description == "unix:\(path)")
            var status = stat()
            #expect(lstat(path, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o600)
            let value3 = try await curl("--unix-socket", path, "http://x/hello").text
            #expect(value3 == "unix")
            let value4 = try await curl("--unix-socket", path, "http://x/file").output
            #expect(value4 == sampleBytes(3 << 20))
        }
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func replacesAStaleSocketButNotALiveOneNorAFile() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.url.appendingPathComponent("api.sock").path
        try Self.leaveStaleSocket(path)
        var configuration = ListenerConfiguration.local()
        configuration.address = ListenAddress(.unix(path: path))
        try await withListener(configuration, routes: Self.hello) { _ in
            let error = await #expect(throws: ListenError.self) { try await Self.listener(configuration.address).run() }
            #expect(error?.code == .addressInUse)
            let value5 = try await curl("--unix-socket", path, "http://x/hello").text
            #expect(value5 == "unix")
        }
        try Data("precious".utf8).write(to: URL(fileURLWithPath: path))
        await #expect(throws: ListenError.self) { try await Self.listener(configuration.address).run() }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "precious")
    }

    private static func leaveStaleSocket(_ path: String) throws {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        close(descriptor)
        try #require(result == 0)
    }

    @Test func anAddressInUseIsOneClearError() async throws {
        try await withListener(routes: Self.hello) { server in
            let second = Self.listener(ListenAddress(.tcp(host: "127.0.0.1", port: server.port)))
            let error = await #expect(throws: ListenError.self) { try await second.run() }
            #expect(error?.code == .addressInUse)
            #expect(error?.description == "api: address already in use: 127.0.0.1:\(server.port)")
            await #expect(throws: ListenError.self) { _ = try await second.bound() }
        }
    }

    @Test(arguments: [
        ListenAddress(.tcp(host: "192.0.2.1", port: 0)), ListenAddress(.unix(path: "/nowhere/at/all.sock")),
    ])
    func anImpossibleAddressIsNamed(address: ListenAddress) async throws {
        let error = await #expect(throws: ListenError.self) { try await Self.listener(address).run() }
        #expect(error?.code == .cannotBind)
        #expect(error?.description.contains(address.description) == true)
    }

    @Test(arguments: [
        "", ":80", "host", "host:", "host:x", "host:65536", "host:-1", "::1:80", "[::1]", "[host]:80", "unix:",
        "unix:a",
        "unix:/", "a b:80", "user@host:80", "host:8 0",
    ])
    func refusesAnAddressThatIsNone(text: String) {
        #expect(ListenAddress(text) == nil)
    }

    @Test(arguments: ["127.0.0.1:80", "[::]:8002", "localhost:0", "unix:/run/x.sock", "[fe80::1%eth0]:1"])
    func parsesAnAddress(text: String) {
        #expect(ListenAddress(text)?.description == text)
    }

    @Test func survivesClientsThatAreGoneAtOnce() async throws {
        try await withListener(routes: Self.hello) { server in
            for number in 0..<600 {
                let client = try RawClient(port: server.port)
                if number.isMultiple(of: 3) { try await client.send("GET /hello HTTP/1.1\r\n") }
                if number.isMultiple(of: 2) { client.resetAtClose() }
            }
            let result = try await curl(server.url("/hello"), "--write-out", "%{stderr}%header{date}")
            #expect(result.text == "127.0.0.1")
            #expect(HTTPDate(result.errors).map { abs($0.seconds - HTTPDate.now.seconds) < 5 } == true)
        }
    }

    /// In a process of its own: other tests of this one start threads, too.
    @Test func idleConnectionsCostNoThreads() async {
        await #expect(processExitsWith: .success) {
            try await withListener(routes: ListenerTests.hello) { server in
                _ = try await curl(server.url("/hello"))
                let before = try ListenerTests.threads()
                var clients: [RawClient] = []
                for _ in 0..<1500 { clients.append(try RawClient(port: server.port)) }
                for client in clients.suffix(50) { try await client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n") }
                for client in clients.suffix(50) {
                    let answer = try await client.read(10_000)
                    try #require(!answer.isEmpty)
                }
                let after = try ListenerTests.threads()
                try #require(after < before + 40)
                withExtendedLifetime(clients) {}
            }
        }
    }

    private static func threads() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("Threads:") })
        return try #require(Int(line.dropFirst("Threads:".count).trimmingCharacters(in: .whitespaces)))
    }
}
