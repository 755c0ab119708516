import Content
import TestSupport
import Testing

/// Clients that say with their request that they will send nothing more, as `nc -N` does.
@Suite(.serialized, .timeLimit(.minutes(2))) struct HalfClosedClientTests {
    @Test("The mirror and the proxy answer them in full, what is new as what is here already")
    func answers() async throws {
        let origin = BlobOrigin(byteCount: 3 << 20, seed: 92)
        try await withTemporaryDirectory { directory in
            try await withScriptedServer(origin.answer) { registry in
                let configuration = Configurations.daemon(
                    home: "\(directory)/home",
                    supernodes: [],
                    registry: registry.url("")
                )
                try await withDaemon(configuration, in: directory) { daemon in
                    for target in [origin.path, registry.url(origin.path)] {
                        for _ in 0..<2 {
                            let answer = try await ask(target, of: daemon.proxy)
                            #expect(answer.suffix(origin.bytes.count).elementsEqual(origin.bytes), "\(target)")
                        }
                    }
                    let health = try await ask("/healthz", of: daemon.health)
                    #expect(String(decoding: health, as: UTF8.self).hasPrefix("HTTP/1.1 200 "))
                }
            }
        }
    }

    private func ask(_ target: String, of address: String) async throws -> [UInt8] {
        let port = try #require(address.split(separator: ":").last.flatMap { Int($0) })
        return try await withByteConnection(to: port) { client in
            try await client.send("GET \(target) HTTP/1.1\r\nHost: x\r\n\r\n")
            try await client.endOutput()
            let (bytes, end) = try await client.readToEnd()
            #expect(end == .closed)
            return bytes
        }
    }

    @Test("All that a client has sent goes through a tunnel, and its end behind that", arguments: [10, 1 << 20])
    func tunnel(byteCount: Int) async throws {
        let sent = randomBytes(byteCount, seed: 93)
        let server: @Sendable (ByteConnection) async throws -> Void = { connection in
            let (bytes, _) = try await connection.readToEnd()
            try await connection.send(bytes == sent ? "all of it" : "\(bytes.count) bytes")
        }
        try await withTemporaryDirectory { directory in
            try await withByteServer(server) { port in
                try await ProxyRig.with("proxy_access: {connect_ports: [\(port)]}", in: directory) { proxy in
                    try await withByteConnection(to: proxy.port) { client in
                        try await client.send(
                            Array("CONNECT 127.0.0.1:\(port) HTTP/1.1\r\nHost: x\r\n\r\n".utf8) + sent
                        )
                        try await client.endOutput()
                        let text = String(decoding: try await client.readToEnd().bytes, as: UTF8.self)
                        #expect(text == "HTTP/1.1 200 Connection established\r\n\r\nall of it")
                    }
                }
            }
        }
    }
}
