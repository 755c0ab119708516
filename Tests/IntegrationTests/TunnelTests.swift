import Content
import Foundation
import TestSupport
import Testing

/// CONNECT through dfdaemon's proxy, with real clients and byte for byte.
@Suite(.serialized, .timeLimit(.minutes(2))) struct TunnelTests {
    private static func ports(_ port: Int) -> String { "proxy_access: {connect_ports: [\(port)]}" }

    /// What comes in goes out again, until the client ends.
    private static let echo: @Sendable (ByteConnection) async throws -> Void = { connection in
        while true {
            let line = try await connection.read(until: "\n")
            guard !line.isEmpty else { break }
            try await connection.send(line)
        }
        try await connection.send("over")
    }

    @Test func curlAndWgetFetchThroughATunnel() async throws {
        try await withTemporaryDirectory { directory in
            let root = "\(directory)/root"
            try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
            let digest = try writeRandomFile("\(root)/file", byteCount: 48 << 20, seed: 401)
            var options = OriginOptions()
            options.tls = true
            options.port = FreePort.next()
            try await withNginx(root: root, options) { origin in
                let authority = try #require(origin.certificateAuthority)
                try await ProxyRig.with(Self.ports(Int(options.port ?? 0)), in: directory) { proxy in
                    let fetched = try await proxy.curl("--cacert", authority, "\(origin.url)/file")
                    #expect(fetched.output == "200 200 1\n", "\(fetched.errors)")
                    #expect(try fileDigest(proxy.out) == digest)

                    let before = proxy.daemon.process.peakResidentBytes ?? 0
                    let slowly = try await proxy.curl(
                        "--limit-rate",
                        "16M",
                        "--cacert",
                        authority,
                        "\(origin.url)/file"
                    )
                    #expect(slowly.output == "200 200 1\n", "\(slowly.errors)")
                    #expect(try fileDigest(proxy.out) == digest)
                    // What the client does not take stays with the origin.
                    #expect((proxy.daemon.process.peakResidentBytes ?? 0) - before < 16 << 20)

                    var wget = RunningProcess.Command(
                        "wget",
                        ["-q", "--ca-certificate", authority, "-O", "\(directory)/wget", "\(origin.url)/file"]
                    )
                    wget.environment = ["https_proxy": "http://\(proxy.daemon.proxy)", "no_proxy": ""]
                    try await runSuccessfully(wget)
                    #expect(try fileDigest("\(directory)/wget") == digest)

                    let log = await proxy.daemon.process.stopForErrors()
                    let lines = log.split(separator: "\n").filter { $0.contains("method=CONNECT") }
                    #expect(lines.count == 3)
                    #expect(
                        lines.allSatisfy {
                            $0.contains("path=\(origin.authority)") && $0.contains("tunnel=connect")
                                && $0.contains("status=200")
                                && $0.contains("sent=")
                        },
                        "\(lines)"
                    )
                    let sizes = lines.compactMap { $0.firstMatch(of: /bytes=(\d+)/).flatMap { Int($0.output.1) } }
                    #expect(sizes.allSatisfy { $0 > 48 << 20 }, "\(sizes)")
                }
            }
        }
    }

    @Test func whatIsNotAllowedOrNotThereIsToldApart() async throws {
        try await withTemporaryDirectory { directory in
            try await ProxyRig.with("proxy_access: {connect_ports: [443, 1]}", in: directory) { proxy in
                for (authority, status, word) in [
                    ("127.0.0.1:22", 403, "connect_ports"), ("169.254.169.254:443", 403, "not allowed"),
                    ("[fe80::1]:443", 403, "not allowed"), ("0.0.0.0:443", 403, "not allowed"),
                    ("no-such-host.invalid:443", 502, "no-such-host.invalid"), ("127.0.0.1:1", 502, "127.0.0.1:1"),
                    ("127.0.0.1", 400, "host:port"), ("http://a:443", 400, "host:port"),
                ] {
                    try await withByteConnection(to: proxy.port) { client in
                        try await client.send("CONNECT \(authority) HTTP/1.1\r\nHost: x\r\n\r\n")
                        let text = String(decoding: try await client.readToEnd().bytes, as: UTF8.self)
                        #expect(text.hasPrefix("HTTP/1.1 \(status) "), "\(authority): \(text)")
                        #expect(text.contains(word), "\(authority): \(text)")
                        #expect(text.lowercased().contains("connection: close"))
                    }
                }
                let refused = try await proxy.curl("https://127.0.0.1:22/")
                #expect(refused.output.hasPrefix("000 403 "))
            }
        }
    }

    @Test func bytesFlowUntilBothSidesHaveEnded() async throws {
        try await withTemporaryDirectory { directory in
            try await withByteServer(Self.echo) { port in
                try await ProxyRig.with(Self.ports(port), in: directory) { proxy in
                    // A client that does not wait for the answer, and ends its side early.
                    try await withByteConnection(to: proxy.port) { client in
                        try await client.send(
                            "CONNECT localhost:\(port) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\none\n"
                        )
                        try await client.send("two\n")
                        #expect(try await client.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 200 "))
                        #expect(try await client.read(until: "two\n") == "one\ntwo\n")
                        try await client.send("GET / HTTP/1.1\r\n\r\n")
                        #expect(try await client.read(until: "\r\n\r\n") == "GET / HTTP/1.1\r\n\r\n")
                        try await client.endOutput()
                        let (rest, end) = try await client.readToEnd()
                        #expect(String(decoding: rest, as: UTF8.self) == "over")
                        #expect(end == .closed)
                    }
                }
            }
        }
    }

    @Test func eachSideHearsOfTheOthersEnd() async throws {
        let (closed, wasReset) = (TestEvent(), TestEvent())
        try await withTemporaryDirectory { directory in
            try await withByteServer { connection in
                switch try await connection.read(until: "\n") {
                case "close\n": try await connection.send("bye")
                case "reset\n": try await connection.reset()
                default: try await connection.readToEnd().end == .reset ? wasReset.fire() : closed.fire()
                }
            } body: { port in
                try await ProxyRig.with(Self.ports(port), in: directory) { proxy in
                    try await proxy.connect(to: "127.0.0.1:\(port)") { client in
                        try await client.send("wait\n")
                        client.close()
                        await closed.wait()
                    }
                    try await proxy.connect(to: "127.0.0.1:\(port)") { client in
                        try await client.send("wait\n")
                        try await client.reset()
                        await wasReset.wait()
                    }
                    try await proxy.connect(to: "127.0.0.1:\(port)") { client in
                        try await client.send("close\n")
                        let (bytes, end) = try await client.readToEnd()
                        #expect(bytes == Array("bye".utf8) && end == .closed)
                    }
                    try await proxy.connect(to: "127.0.0.1:\(port)") { client in
                        try await client.send("reset\n")
                        #expect(try await client.readToEnd().end == .reset)
                    }
                }
            }
        }
    }

    @Test func anIdleTunnelIsCutOff() async throws {
        try await withTemporaryDirectory { directory in
            try await withByteServer(Self.echo) { port in
                let access = "proxy_access: {connect_ports: [\(port)], tunnel_idle_timeout: 5s}"
                try await ProxyRig.with(access, in: directory) { proxy in
                    try await proxy.connect(to: "127.0.0.1:\(port)") { client in
                        try await client.send("x\n")
                        #expect(try await client.read(until: "\n") == "x\n")
                        #expect(try await client.readToEnd().end == .reset)
                    }
                }
            }
        }
    }

    @Test func manyTunnelsNeedNoThreadsAndEndWithTheDaemon() async throws {
        try await withTemporaryDirectory { directory in
            try await withByteServer(Self.echo) { port in
                try await ProxyRig.with(Self.ports(port), listener: ", drain: 500ms", in: directory) { proxy in
                    try await proxy.connect(to: "127.0.0.1:\(port)") { _ in }
                    let before = (threads: try proxy.threads(), descriptors: try proxy.descriptors())
                    let count = 200
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        let open = TestEvent()
                        let (ready, isReady) = AsyncStream<Void>.makeStream()
                        for number in 0..<count {
                            group.addTask {
                                try await proxy.connect(to: "127.0.0.1:\(port)") { client in
                                    try await client.send("\(number)\n")
                                    #expect(try await client.read(until: "\n") == "\(number)\n")
                                    isReady.yield()
                                    await open.wait()
                                    _ = try await client.readToEnd()
                                }
                            }
                        }
                        var iterator = ready.makeAsyncIterator()
                        for _ in 0..<count { _ = await iterator.next() }
                        #expect(try proxy.threads() <= before.threads + 2)
                        #expect(try proxy.descriptors() >= before.descriptors + 2 * count - 4)
                        open.fire()
                        let start = ContinuousClock.now
                        let end = await proxy.daemon.process.stop()
                        #expect(end.status.exitCode == 0)
                        #expect(ContinuousClock.now - start < .seconds(10))
                        try await group.waitForAll()
                    }
                }
            }
        }
    }

    @Test func endedTunnelsLeaveNothingBehind() async throws {
        try await withTemporaryDirectory { directory in
            try await withByteServer(Self.echo) { port in
                try await ProxyRig.with(Self.ports(port), in: directory) { proxy in
                    func use() async throws {
                        try await proxy.connect(to: "127.0.0.1:\(port)") { client in
                            try await client.send("x\n")
                            try await client.endOutput()
                            #expect(try await client.readToEnd().bytes == Array("x\nover".utf8))
                        }
                    }
                    try await use()
                    let before = try proxy.descriptors()
                    for _ in 0..<50 { try await use() }
                    // The last ones may be about to close.
                    #expect(try proxy.descriptors() <= before + 6)
                }
            }
        }
    }
}
