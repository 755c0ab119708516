import Content
import Glibc
import TestSupport
import Testing

@testable import CurlTransport

@Suite struct ConnectTests {
    private static func options(_ allow: [NetworkPrefix] = NetworkPrefix.loopback) -> TransferOptions {
        var options = TransferOptions()
        options.addresses = .guarded(allow: allow)
        return options
    }

    /// Sends text on a socket and reads the answer to its end, on a thread of its own.
    private func exchange(_ text: String, over descriptor: Int32) async -> String {
        await onOwnThread {
            defer { close(descriptor) }
            // It does not block: wait for each answer.
            let bytes = Array(text.utf8)
            _ = send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
            var all: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 4096)
            while true {
                var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                guard poll(&waiting, 1, 30_000) > 0 else { break }
                let count = recv(descriptor, &buffer, buffer.count, 0)
                guard count > 0 else { break }
                all += buffer.prefix(count)
            }
            return String(decoding: all, as: UTF8.self)
        }
    }

    @Test(arguments: ["127.0.0.1", "localhost"])
    func handsTheSocketOver(host: String) async throws {
        try await withScriptedServer { request in
            .respond(200, ["X-Target": request.target]).close()
        } body: { server in
            try await withTransport { transport in
                let socket = try await transport.connect(host: host, port: server.port, options: Self.options())
                let descriptor = socket.take()
                #expect(fcntl(descriptor, F_GETFL) & O_NONBLOCK != 0)
                #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0)
                #expect(socket.take() == -1)
                // The transport goes on, and its other connections have nothing to do with this one.
                let other = try await transport.fetch(TransferRequest(to: server.url("/other")))
                #expect(other.head.fields["X-Target"] == "/other")
                let answer = await exchange("GET /mine HTTP/1.1\r\nHost: h\r\n\r\n", over: descriptor)
                #expect(answer.hasPrefix("HTTP/1.1 200 ") && answer.contains("X-Target: /mine"))
            }
        }
    }

    @Test func aSocketThatNobodyTakesIsClosed() async throws {
        let (ends, end) = AsyncStream<Void>.makeStream()
        try await withByteServer { connection in
            _ = try await connection.readToEnd()
            end.yield()
        } body: { port in
            try await withTransport { transport in
                _ = try await transport.connect(host: "127.0.0.1", port: port, options: Self.options())
                _ = await ends.first { _ in true }
            }
        }
    }

    @Test(arguments: ["127.0.0.1", "::1", "localhost", "169.254.169.254", "::ffff:127.0.0.1"])
    func thePolicyHolds(host: String) async throws {
        try await withTransport { transport in
            let error = await failure {
                try await transport.connect(host: host, port: 443, options: Self.options([]))
            }
            #expect(error?.code == .addressRefused, "\(String(describing: error))")
        }
    }

    @Test func whatCanNotBeReachedIsToldApart() async throws {
        try await withTransport { transport in
            let unknown = await failure {
                try await transport.connect(host: "no-such-host.invalid", port: 443, options: Self.options())
            }
            #expect(unknown?.code == .cannotResolve)
            let nobody = await failure {
                try await transport.connect(host: "127.0.0.1", port: 1, options: Self.options())
            }
            #expect(nobody?.code == .cannotConnect)
        }
    }

    @Test func aProxyOfTheEnvironmentIsAskedForATunnel() async throws {
        try await withByteServer { proxy in
            let head = try await proxy.read(until: "\r\n\r\n")
            #expect(head.hasPrefix("CONNECT origin.invalid:8443 HTTP/1.1\r\n"))
            try await proxy.send("HTTP/1.1 200 go on\r\n\r\n")
            #expect(try await proxy.read(until: "\n") == "ping\n")
            try await proxy.send("pong\n")
        } body: { port in
            try await withTransport(environment: ["https_proxy": "http://127.0.0.1:\(port)"]) { transport in
                let socket = try await transport.connect(host: "origin.invalid", port: 8443, options: Self.options([]))
                #expect(await exchange("ping\n", over: socket.take()) == "pong\n")
            }
            try await withTransport(environment: ["https_proxy": "https://127.0.0.1:\(port)"]) { transport in
                let error = await failure {
                    try await transport.connect(host: "origin.invalid", port: 8443, options: Self.options([]))
                }
                #expect(error?.code == .unsupported)
            }
        }
    }
}
