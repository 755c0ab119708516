import Content
import Synchronization
import TestSupport
import Testing
import WireAPI

/// The first bytes of a cold blob are with the client before the supernode has its first piece; nobody has verified them.
@Suite(.serialized) struct OpeningTests {
    private static let opening = Int(Opening.byteCount)
    /// In the middle of the first piece.
    private static let held = opening + 1000
    private let client = Client()

    private func withNode(
        _ answer: @escaping ScriptedServer.Handler,
        _ body: (Supernode, Daemon, ScriptedServer) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { directory in
            try await withScriptedServer(answer) { registry in
                try await withCluster(of: 1, registry: registry.url(""), in: directory) { supernode, daemons in
                    try await body(supernode, daemons[0], registry)
                }
            }
        }
    }

    /// A pull that has its first bytes already.
    private func pull(
        _ path: String,
        from daemon: Daemon,
        then next: () async throws -> Void
    ) async throws -> (answer: Client.Answer, isWhole: Bool) {
        let arrived = TestEvent()
        let url = "http://\(daemon.proxy)\(path)"
        async let pull = client.receive(url, [:], reaching: Self.opening, arrived)
        await arrived.wait()
        try await next()
        return try await pull
    }

    @Test("The client has them while the first piece is still arriving, and the whole is fetched once")
    func early() async throws {
        let origin = BlobOrigin(byteCount: 1 << 20, seed: 31, held: Self.held)
        try await withNode {
            origin.answer($0)
        } _: { supernode, daemon, _ in
            let (answer, isWhole) = try await pull(origin.path, from: daemon) {
                let received = try await daemon.received(from: "supernode")
                #expect(received == 0)
                origin.release.fire()
            }
            #expect(isWhole)
            #expect(answer.body == origin.bytes)
            #expect(try await supernode.receivedFromOrigin() == 1 << 20)
            #expect(try await daemon.received(from: "supernode") == 1 << 20)
        }
    }

    @Test("The origin breaks off in the middle of the first piece: the stream goes on where it was")
    func broken() async throws {
        let origin = BlobOrigin(byteCount: 1 << 20, seed: 32)
        let breaks = TestEvent()
        let isFirst = Mutex(true)
        try await withNode { request in
            let begins = request.method == "GET" && isFirst.withLock { $0.take() }
            guard begins, request.path == origin.path else { return origin.answer(request) }
            return .head(200, ["Content-Length": "\(origin.bytes.count)", "Accept-Ranges": "bytes"])
                .body(origin.bytes.prefix(Self.held)).wait(breaks).reset()
        } _: { supernode, daemon, _ in
            let (answer, isWhole) = try await pull(origin.path, from: daemon) { breaks.fire() }
            #expect(isWhole)
            #expect(answer.body == origin.bytes)
            #expect(try await daemon.received(from: "supernode") == 1 << 20)
        }
    }

    @Test("The supernode dies in the middle of the first piece: the registry gives the rest")
    func dead() async throws {
        let origin = BlobOrigin(byteCount: 1 << 20, seed: 33, held: Self.held)
        try await withNode {
            origin.answer($0)
        } _: { supernode, daemon, _ in
            let (answer, isWhole) = try await pull(origin.path, from: daemon) {
                await supernode.process.kill()
                origin.release.fire()
            }
            #expect(isWhole)
            #expect(answer.body == origin.bytes)
        }
    }

    @Test("Who was sent wrong first bytes never gets the end, though all others were right", arguments: [true, false])
    func wrong(always: Bool) async throws {
        let origin = BlobOrigin(byteCount: 1 << 20, seed: 34)
        var other = origin.bytes
        other[17] ^= 1
        let (wrong, go) = (other, TestEvent())
        let isFirst = Mutex(true)
        try await withNode { request in
            guard request.path == origin.path, request.method == "GET" else { return origin.answer(request) }
            if isFirst.withLock({ $0.take() }) {
                return .head(200, ["Content-Length": "\(wrong.count)", "Accept-Ranges": "bytes"])
                    .body(wrong.prefix(Self.held)).wait(go).body(wrong.dropFirst(Self.held))
            }
            return .content(always ? wrong : origin.bytes, for: request)
        } _: { _, daemon, _ in
            let (answer, isWhole) = try await pull(origin.path, from: daemon) { go.fire() }
            #expect(!isWhole)
            #expect(answer.body.count < wrong.count)
            guard !always else { return }
            // Nobody else is any the worse for it.
            let (second, isRight) = try await client.receive("http://\(daemon.proxy)\(origin.path)")
            #expect(isRight)
            #expect(second.body == origin.bytes)
        }
    }

    @Test("Who asks for a part gets nothing that is not verified")
    func part() async throws {
        let origin = BlobOrigin(byteCount: 1 << 20, seed: 35, held: Self.held)
        try await withNode {
            origin.answer($0)
        } _: { _, daemon, registry in
            let arrived = TestEvent()
            let url = "http://\(daemon.proxy)\(origin.path)"
            async let part = client.receive(url, ["Range": "bytes=0-99999"], reaching: 1, arrived)
            await registry.waitForRequests(1)
            // The whole has its beginning; so could the part have.
            let (whole, isWhole) = try await pull(origin.path, from: daemon) {
                #expect(!arrived.hasFired)
                origin.release.fire()
            }
            #expect(isWhole)
            #expect(whole.body == origin.bytes)
            let body = try await part.answer.body
            #expect(body == Array(origin.bytes[...99_999]))
        }
    }
}

extension Bool {
    /// Whether it was true; false from now on.
    fileprivate mutating func take() -> Bool {
        defer { self = false }
        return self
    }
}
