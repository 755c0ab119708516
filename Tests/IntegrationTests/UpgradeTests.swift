import Content
import Foundation
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
