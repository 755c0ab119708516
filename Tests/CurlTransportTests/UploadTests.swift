import Content
import CurlTransport
import Synchronization
import TestSupport
import Testing

/// Gives bytes in small parts, and pauses or fails as a test says.
final class ByteSource: RequestBodySource {
    struct State {
        var rest: ArraySlice<UInt8>
        var calls = 0
        var rewinds = 0
    }
    private let bytes: [UInt8]
    private let canRewind: Bool
    private let decide: @Sendable (Int, TransferControl) throws -> Bool
    let state: Mutex<State>

    /// `decide` says before each part whether to give it; false pauses.
    init(
        _ bytes: [UInt8],
        canRewind: Bool = true,
        decide: @escaping @Sendable (Int, TransferControl) throws -> Bool = { _, _ in true }
    ) {
        self.bytes = bytes
        self.canRewind = canRewind
        self.decide = decide
        state = Mutex(State(rest: bytes[...]))
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, control: TransferControl) throws -> BodyReadResult {
        try state.withLock { state in
            state.calls += 1
            guard try decide(state.calls, control) else { return .paused }
            guard !state.rest.isEmpty else { return .end }
            let part = state.rest.prefix(buffer.count)
            buffer.copyBytes(from: part)
            state.rest = state.rest.dropFirst(part.count)
            return .bytes(part.count)
        }
    }

    func rewind() -> Bool {
        state.withLock { state in
            state.rewinds += 1
            state.rest = bytes[...]
        }
        return canRewind
    }
}

@Suite struct UploadTests {
    let content = randomBytes(700_000, seed: 8)

    @Test(arguments: [true, false]) func aStreamedBodyArrives(isSized: Bool) async throws {
        let content = content
        try await withScriptedServer {
            .respond(200, body: $0.body)
        } body: { server in
            try await withTransport { transport in
                // Every third call has nothing yet.
                let source = ByteSource(content) { calls, control in
                    if calls % 3 == 0 { control.resume() }
                    return calls % 3 != 0
                }
                var request = TransferRequest(to: server.url(), method: "PUT")
                request.headers = ["Content-Type": "a/b"]
                request.body = .stream(length: isSized ? Int64(content.count) : nil, source)
                let response = try await transport.fetch(request)
                #expect(response.body.elementsEqual(content))
                let fields = try #require(server.requests.first).headers
                #expect(server.requests.first?.method == "PUT")
                #expect(fields["Content-Length"] == (isSized ? "\(content.count)" : nil))
                #expect(fields["Transfer-Encoding"] == (isSized ? nil : "chunked"))
            }
        }
    }

    @Test(arguments: ["POST", "PUT", "DELETE", "PATCH", "PURGE"]) func bytesAreSentWithAnyMethod(
        method: String
    ) async throws {
        let content = content
        try await withScriptedServer {
            .respond(200, body: $0.body)
        } body: { server in
            try await withTransport { transport in
                for body in [[], [1, 2, 3], content] {
                    var request = TransferRequest(to: server.url(), method: method)
                    request.body = .bytes(body)
                    let response = try await transport.fetch(request)
                    #expect(response.body.elementsEqual(body))
                    let last = try #require(server.requests.last)
                    #expect(last.method == method)
                    #expect(last.headers["Content-Length"] == "\(body.count)")
                    #expect(!last.headers.contains("Content-Type"))
                }
            }
        }
    }

    @Test func aPostWithoutABodySaysSo() async throws {
        try await withScriptedServer { _ in
            .respond()
        } body: { server in
            try await withTransport { transport in
                _ = try await transport.fetch(TransferRequest(to: server.url(), method: "POST"))
                #expect(server.requests.first?.headers["Content-Length"] == "0")
                _ = try await transport.fetch(TransferRequest(to: server.url(), method: "DELETE"))
                #expect(server.requests.last?.headers["Content-Length"] == nil)
            }
        }
    }

    struct Broken: Error {}

    @Test func aSourceThatFailsEndsTheTransfer() async throws {
        let content = content
        try await withScriptedServer { _ in
            .respond()
        } body: { server in
            try await withTransport { transport in
                var request = TransferRequest(to: server.url(), method: "PUT")
                request.body = .stream(
                    length: 700_000,
                    ByteSource(content) { calls, _ in
                        if calls == 2 { throw Broken() }
                        return true
                    }
                )
                let error = await failure { [request] in try await transport.fetch(request) }
                #expect(error?.code == .refusedBySink)
                #expect(error?.cause is Broken)
                #expect(server.requests.isEmpty)
            }
        }
    }

    @Test(arguments: [true, false]) func aRedirectThatWantsTheBodyAgainRewindsIt(canRewind: Bool) async throws {
        let content = content
        try await withScriptedServer { request in
            request.path == "/" ? .redirect(to: "/next", status: 307) : .respond(200, body: request.body)
        } body: { server in
            try await withTransport { transport in
                let source = ByteSource(content, canRewind: canRewind)
                var request = TransferRequest(to: server.url(), method: "PUT")
                request.body = .stream(length: nil, source)
                if canRewind {
                    let response = try await transport.fetch(request)
                    #expect(response.body.elementsEqual(content))
                    #expect(source.state.withLock { $0.rewinds } == 1)
                } else {
                    let error = await failure { [request] in try await transport.fetch(request)
                    }
                    #expect(error?.code == .unsupported)
                }
            }
        }
    }
}
