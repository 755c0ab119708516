import Content
import Foundation
import Synchronization
import TestSupport
import Testing

/// Requests that ask for another protocol, through dfdaemon's proxy.
@Suite(.serialized, .timeLimit(.minutes(2))) struct UpgradeTests {
    /// Shows the head that it got and the bytes behind it, each behind its own answer.
    static let chat: @Sendable (ByteConnection) async throws -> Void = { connection in
        let head = try await connection.read(until: "\r\n\r\n")
        guard head.lowercased().contains("upgrade: chat\r\n") else {
            let body = "no upgrade: \(head)"
            try await connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
            _ = try await connection.readToEnd()
            return
        }
        try await connection.send(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n\(head)"
        )
        while true {
            let line = try await connection.read(until: "\n")
            guard !line.isEmpty else { return }
            try await connection.send("got \(line)")
        }
    }

    static func ask(_ url: String, host: String = "h", _ fields: String = "") -> String {
        "GET \(url) HTTP/1.1\r\nHost: \(host)\r\nConnection: keep-alive, Upgrade\r\nUpgrade: chat\r\n\(fields)\r\n"
    }

    @Test func anUpgradeIsBetweenTheClientAndTheOrigin() async throws {
        try await withTemporaryDirectory { directory in
            try await withByteServer(Self.chat) { port in
                try await ProxyRig.with(in: directory) { proxy in
                    try await withByteConnection(to: proxy.port) { client in
                        let fields =
                            "Authorization: Bearer t\r\nProxy-Authorization: Basic eDp5\r\nProxy-Connection: x\r\n"
                        try await client.send(Self.ask("http://127.0.0.1:\(port)/room?n=1", fields))
                        let answer = try await client.read(until: "\r\n\r\n")
                        #expect(
                            answer == "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n"
                        )
                        let head = try await client.read(until: "\r\n\r\n")
                        #expect(head.hasPrefix("GET /room?n=1 HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n"))
                        #expect(
                            head.contains("Authorization: Bearer t\r\n") && head.contains("Connection: Upgrade\r\n")
                        )
                        #expect(!head.contains("Proxy-") && !head.contains("keep-alive"))
                        for word in ["one\n", "two\n"] {
                            try await client.send(word)
                            #expect(try await client.read(until: "\n") == "got \(word)")
                        }
                        try await client.endOutput()
                        #expect(try await client.readToEnd().bytes.isEmpty)
                    }
                }
            }
        }
    }

    /// Answers every request of a connection, after showing its head.
    private static func answering(
        _ answer: String,
        _ heads: Heads
    ) -> @Sendable (ByteConnection) async throws -> Void {
        { connection in
            while true {
                let head = try await connection.read(until: "\r\n\r\n")
                guard !head.isEmpty else { return }
                heads.add(head)
                try await connection.send(answer)
            }
        }
    }

    @Test(
        "Where the origin declines, its client's connection is not its own",
        arguments: [
            ("200 OK", "no", "GET", 2), ("426 Upgrade Required", "upgrade", "GET", 7), ("403 Forbidden", "", "GET", 0),
            ("200 OK", "", "HEAD", 70_000), ("304 Not Modified", "", "GET", 9),
        ]
    )
    func declined(status: String, body: String, method: String, length: Int) async throws {
        let heads = Heads()
        let answer = "HTTP/1.1 \(status)\r\nContent-Length: \(length)\r\n\r\n\(body)"
        try await withTemporaryDirectory { directory in
            try await withByteServer(Self.answering(answer, heads)) { port in
                try await ProxyRig.with(in: directory) { proxy in
                    try await withByteConnection(to: proxy.port) { client in
                        // What a client sends behind it is for whomever it names.
                        try await client.send(
                            Self.ask("http://127.0.0.1:\(port)/room").replacing("GET", with: method)
                                + "GET http://other.invalid/second HTTP/1.1\r\nHost: other.invalid\r\n"
                                + "Authorization: Bearer t\r\nProxy-Authorization: Basic eDp5\r\n\r\n"
                        )
                        let text = String(decoding: try await client.readToEnd().bytes, as: UTF8.self)
                        #expect(text.hasPrefix("HTTP/1.1 \(status.prefix(3)) "), "\(text)")
                        #expect(text.hasSuffix("\r\n\r\n\(body)"), "\(text)")
                        // A 304 need not tell what it does not send.
                        let tells = text.contains("\r\nContent-Length: \(length)\r\n")
                        #expect(tells == !status.hasPrefix("304"), "\(text)")
                        #expect(text.contains("\r\nVia: 1.1 darter-"), "\(text)")
                        #expect(text.lowercased().contains("\r\nconnection: close\r\n"))
                    }
                    // Not once more without the offer.
                    #expect(heads.all.map { $0.contains("Upgrade: chat") } == [true])
                    #expect(!heads.all.contains { $0.contains("second") || $0.contains("Authorization") })
                    let log = await proxy.daemon.process.stopForErrors()
                    let line = try #require(log.split(separator: "\n").last { $0.contains("/room") })
                    #expect(line.contains("status=\(status.prefix(3))"), "\(line)")
                    #expect(!line.contains("tunnel="), "\(line)")
                }
            }
        }
    }

    @Test(
        "What is not all there with the answer, or is not for that origin to say, is asked for without the offer",
        arguments: [
            ("Transfer-Encoding: chunked", "2\r\nno\r\n0\r\n\r\n", "GET", "{regx: none}"),
            ("Content-Length: 65537", String(repeating: "x", count: 65_537), "GET", "{regx: none}"),
            ("Content-Length: 5", "", "HEAD", "{regx: room, redirect: \"localhost:PORT\"}"),
            ("Content-Length: 2", "no", "GET", "{regx: room, redirect: \"localhost:PORT\"}"),
        ]
    )
    func declinedTwice(length: String, body: String, method: String, rule: String) async throws {
        let heads = Heads()
        let answer = "HTTP/1.1 200 OK\r\n\(length)\r\nX-Own: 1\r\n\r\n\(body)"
        try await withTemporaryDirectory { directory in
            try await withByteServer(Self.answering(answer, heads)) { port in
                let rules = "proxies: [\(rule.replacing("PORT", with: "\(port)"))]"
                try await ProxyRig.with(rules, in: directory) { proxy in
                    try await withByteConnection(to: proxy.port) { client in
                        let ask = Self.ask("http://127.0.0.1:\(port)/room")
                        try await client.send(ask.replacing("GET", with: method))
                        let text = String(decoding: try await client.readToEnd().bytes, as: UTF8.self)
                        #expect(text.hasPrefix("HTTP/1.1 200 ") && text.contains("X-Own: 1"), "\(text.prefix(500))")
                        #expect(text.lowercased().contains("\r\nconnection: close\r\n"))
                    }
                    #expect(heads.all.map { $0.contains("Upgrade: chat") } == [true, false])
                    #expect(heads.all.last?.contains("\r\nHost: localhost:") == rule.contains("redirect"))
                }
            }
        }
    }

    @Test(
        "What may have changed something is not sent twice",
        arguments: [
            ("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nKeep-Alive: x\r\nX-Own: 1\r\n\r\nno", 403, "no"),
            ("HTTP/1.1 204 No Content\r\nX-Own: 1\r\n\r\n", 204, "204"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 502, "answers 200"),
        ]
    )
    func declinedOnce(answer: String, status: Int, words: String) async throws {
        let heads = Heads()
        try await withTemporaryDirectory { directory in
            try await withByteServer(Self.answering(answer, heads)) { port in
                try await ProxyRig.with(in: directory) { proxy in
                    try await withByteConnection(to: proxy.port) { client in
                        let ask = Self.ask("http://127.0.0.1:\(port)/exec", "Content-Length: 0\r\n")
                        try await client.send(ask.replacing("GET", with: "POST"))
                        let text = String(decoding: try await client.readToEnd().bytes, as: UTF8.self)
                        #expect(text.hasPrefix("HTTP/1.1 \(status) "), "\(text)")
                        #expect(text.contains(words), "\(text)")
                        #expect(text.contains("X-Own: 1") == (status != 502))
                        #expect(text.contains("\r\nVia: 1.1 darter-") == (status != 502), "\(text)")
                        let cache = "\r\nCache-Status: darter; fwd=bypass; fwd-status=\(status); detail=upgrade\r\n"
                        #expect(text.contains(cache) == (status != 502), "\(text)")
                        #expect(!text.contains("Keep-Alive"))
                        #expect(text.lowercased().contains("\r\nconnection: close\r\n"))
                    }
                    #expect(heads.all.count == 1)
                }
            }
        }
    }

    @Test func whatComesBeforeAndWithTheAnswerIsNotLost() async throws {
        let server: @Sendable (ByteConnection) async throws -> Void = { connection in
            _ = try await connection.read(until: "\r\n\r\n")
            try await connection.send("HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 101 Swit")
            try await connection.send("ching Protocols\r\nUpgrade: chat\r\n\r\nhello\n")
            try await connection.send("got \(try await connection.read(until: "\n"))")
            _ = try await connection.readToEnd()
        }
        try await withTemporaryDirectory { directory in
            try await withByteServer(server) { port in
                try await ProxyRig.with(in: directory) { proxy in
                    try await withByteConnection(to: proxy.port) { client in
                        // A client that does not wait for the answer.
                        try await client.send("\(Self.ask("http://127.0.0.1:\(port)/"))early\n")
                        #expect(
                            try await client.read(until: "\r\n\r\n")
                                == "HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\n\r\n"
                        )
                        #expect(try await client.read(until: "hello\n") == "hello\n")
                        #expect(try await client.read(until: "\n") == "got early\n")
                    }
                    let log = await proxy.daemon.process.stopForErrors()
                    #expect(log.split(separator: "\n").contains { $0.contains("status=101") && $0.contains("upgrade") })
                }
            }
        }
    }

    @Test(
        "An origin without an answer is a bad gateway",
        arguments: ["", "HTTP/1.1 101 Swi", "SSH-2.0-x\r\n\r\n", "endless"]
    )
    func noAnswer(text: String) async throws {
        let server: @Sendable (ByteConnection) async throws -> Void = { connection in
            _ = try await connection.read(until: "\r\n\r\n")
            guard text == "endless" else { return try await connection.send(text) }
            try await connection.send("HTTP/1.1 101 Switching Protocols\r\n")
            // Ends with the connection.
            while true { try await connection.send("X-More: \(String(repeating: "x", count: 4000))\r\n") }
        }
        try await withTemporaryDirectory { directory in
            try await withByteServer(server) { port in
                try await ProxyRig.with(in: directory) { proxy in
                    try await withByteConnection(to: proxy.port) { client in
                        try await client.send(Self.ask("http://127.0.0.1:\(port)/"))
                        let text = String(decoding: try await client.readToEnd().bytes, as: UTF8.self)
                        #expect(text.hasPrefix("HTTP/1.1 502 "), "\(text)")
                        #expect(text.contains("upstream_unavailable"), "\(text)")
                    }
                }
            }
        }
    }

    /// As Java's client does with every request.
    @Test func anOfferOfHTTP2IsPassedOver() async throws {
        try await withTemporaryDirectory { directory in
            try await withByteServer(Self.chat) { port in
                try await ProxyRig.with(in: directory) { proxy in
                    try await withByteConnection(to: proxy.port) { client in
                        try await client.send(
                            "GET http://127.0.0.1:\(port)/ HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\n"
                                + "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"
                        )
                        // The next request on this connection would be taken for the other protocol.
                        let text = String(decoding: try await client.readToEnd().bytes, as: UTF8.self)
                        #expect(text.hasPrefix("HTTP/1.1 200 ") && text.contains("no upgrade: GET / HTTP/1.1"))
                        #expect(!text.lowercased().contains("http2-settings") && !text.lowercased().contains("h2c"))
                    }
                }
            }
        }
    }

    @Test func anOriginThatIsNotThereIsAnOrdinaryAnswer() async throws {
        try await withTemporaryDirectory { directory in
            try await ProxyRig.with(in: directory) { proxy in
                for (host, status) in [("127.0.0.1:1", 502), ("169.254.169.254", 403), ("no-such-host.invalid", 502)] {
                    try await withByteConnection(to: proxy.port) { client in
                        try await client.send(Self.ask("http://\(host)/"))
                        let text = String(decoding: try await client.readToEnd().bytes, as: UTF8.self)
                        #expect(text.hasPrefix("HTTP/1.1 \(status) "), "\(text)")
                    }
                }
            }
        }
    }
}

/// The heads of requests that an origin has seen.
private final class Heads: Sendable {
    private let heads = Mutex<[String]>([])

    var all: [String] { heads.withLock { $0 } }
    func add(_ head: String) { heads.withLock { $0.append(head) } }
}
