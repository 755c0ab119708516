import BackendAPI
import Content
import CurlTransport
import FoundationEssentials
import Glibc
import NodeControl
import RateLimiting
import TestSupport
import Testing
import WireAPI

@Suite(.timeLimit(.minutes(1))) struct NodeControlTests {
    private let url = "mem://origin/file"

    @Test("The content comes whole, with the origin's fields, and afterwards the node tells where it came from")
    func download() async throws {
        let content = randomBytes(3_000_001, seed: 1)
        try await ControlledNode.run { node in
            var object = MemoryBackend.Object(content)
            object.headers = ["Content-Type": "text/x-test", "Content-Length": "1", "Connection": "close"]
            node.origin.set(object, at: try #require(ResourceURL("mem://origin/file")))
            for (place, from) in [
                ("origin", ByteOrigins(origin: 3_000_001)), ("store", ByteOrigins(cache: 3_000_001)),
            ] {
                let (summary, body) = try await node.get("mem://origin/file", digest: Digest.of(content))
                #expect(summary.head.status == 200)
                #expect(summary.head.contentLength == 3_000_001)
                #expect(summary.head.fields.values(of: "Content-Type") == ["text/x-test"])
                #expect(body == content, "from the \(place)")
                let id = try #require(summary.head.fields[NodeField.download])
                let status = try await node.client.status(of: id)
                #expect(status.from == from, "from the \(place)")
                #expect(status.bytes == 3_000_001)
            }
        }
    }

    @Test("A client's limit is kept by the node, where the bytes come from, and only for as long as nobody wants more")
    func limit() async throws {
        try await ControlledNode.run { node in
            node.origin.set(.init(randomBytes(300_000, seed: 4)), at: try #require(ResourceURL("mem://origin/file")))
            _ = try await node.get("mem://origin/file", limit: 2_000_000)
            #expect(node.origin.requests.first?.limits.map(\.rate) == [2_000_000])
            node.origin.set(.init(randomBytes(2_000_000, seed: 5)), at: try #require(ResourceURL("mem://origin/slow")))
            // In itself this would take half an hour.
            async let patient = node.get("mem://origin/slow", limit: 1000).body
            await eventually { node.origin.bytesSent > 300_000 }
            #expect(try await node.get("mem://origin/slow").body.count == 2_000_000)
            #expect(try await patient.count == 2_000_000)
        }
    }

    @Test("Content of unknown length and empty content end cleanly", arguments: [0, 1, 2_500_000])
    func lengths(count: Int) async throws {
        let content = randomBytes(count, seed: 2)
        try await ControlledNode.run { node in
            for tellsLength in [false, true] {
                var object = MemoryBackend.Object(content)
                object.tellsLength = tellsLength
                object.grantsRanges = tellsLength
                let url = "mem://origin/\(tellsLength)"
                node.origin.set(object, at: try #require(ResourceURL(url)))
                let (summary, body) = try await node.get(url)
                #expect(summary.head.status == 200)
                #expect(body == content)
            }
        }
    }

    @Test("An interrupted client goes on where it was, and starts anew when the content has changed")
    func continuing() async throws {
        let content = randomBytes(2_000_000, seed: 3)
        try await ControlledNode.run { node in
            node.origin.set(.init(content), at: try #require(ResourceURL("mem://origin/file")))
            let (first, _) = try await node.get("mem://origin/file")
            let generation = try #require(first.head.fields[NodeField.generation].flatMap { Generation($0) })
            let (rest, tail) = try await node.get("mem://origin/file", continuing: (1_234_567, generation))
            #expect(rest.head.status == 206)
            #expect(rest.head.fields["Content-Range"] == "bytes 1234567-1999999/2000000")
            #expect(tail == Array(content[1_234_567...]))
            let other = Generation(length: 5, validator: "other")
            let (whole, all) = try await node.get("mem://origin/file", continuing: (1_234_567, other))
            #expect(whole.head.status == 200)
            #expect(all == content)
            let (none, _) = try await node.get("mem://origin/file", continuing: (2_000_000, generation))
            #expect(none.head.status == 416)
        }
    }

    @Test("Wrong content is never handed out as complete")
    func wrongDigest() async throws {
        let content = randomBytes(1_500_000, seed: 4)
        try await ControlledNode.run { node in
            node.origin.set(.init(content), at: try #require(ResourceURL("mem://origin/file")))
            let sink = Collector()
            let wanted = NodeDownloadRequest(
                url: ResourceURL("mem://origin/file"),
                digest: Digest.of("something else"),
                tag: nil,
                ignoredQuery: [],
                headers: [:],
                credentials: [:],
                pattern: .p2p,
                notBackToSource: false
            )
            do {
                let summary = try await node.client.download(wanted, into: sink)
                #expect(summary.head.status == 502)
            } catch let error as TransferError {
                #expect(error.code == .closedEarly)
                #expect(sink.bytes.count < content.count)
            }
        }
    }

    @Test(
        "What the origin says reaches the client",
        arguments: [
            ("mem://origin/missing", 404, WireError.Code.originNotFound),
            ("mem://origin/private", 401, .originUnauthorized),
            ("ftp://origin/file", 400, .invalidRequest),
        ]
    )
    func errors(url: String, status: Int, code: WireError.Code) async throws {
        try await ControlledNode.run { node in
            var secret = MemoryBackend.Object([1, 2, 3])
            secret.credentials = .bearer("sesame")
            node.origin.set(secret, at: try #require(ResourceURL("mem://origin/private")))
            let (summary, body) = try await node.get(url)
            #expect(summary.head.status == status)
            #expect(NodeControlClient.error(in: body)?.code == code)
            let (allowed, content) = try await node.get(
                "mem://origin/private",
                credentials: Credentials.bearer("sesame").headers
            )
            #expect(allowed.head.status == 200)
            #expect(content == [1, 2, 3])
        }
    }

    @Test("A request that names nothing or is no request is refused", arguments: ["{}", "[]", "", "{\"url\":\"x\"}"])
    func malformed(body: String) async throws {
        try await ControlledNode.run { node in
            var request = TransferRequest(url: "http://node/api/v1/downloads", method: "POST")
            request.options.unixSocketPath = node.socket
            request.options.addresses = .any
            request.body = .bytes(Array(body.utf8))
            let response = try await node.transport.send(request, limit: 4096)
            #expect(response.head.status == 400)
        }
    }

    @Test("The socket says who owns it, and only its owner may connect")
    func socket() async throws {
        try await ControlledNode.run { node in
            let description = try await node.client.describe()
            #expect(description.pid == 7)
            var status = stat()
            #expect(stat(node.socket, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o600)
            await #expect(throws: WireError.self) { try await node.client.status(of: "nonsense") }
        }
    }

    @Test("A client that goes away ends the download that only it wanted")
    func clientGone() async throws {
        let asked = TestEvent()
        let gone = TestEvent()
        try await ControlledNode.run { _ in
            SilentBackend(asked: asked, gone: gone)
        } _: { node in
            await withTaskGroup(of: Void.self) { group in
                group.addTask { _ = try? await node.get("mem://origin/file") }
                await asked.wait()
                group.cancelAll()
            }
            await gone.wait()
        }
    }
}

/// An origin that never answers.
private struct SilentBackend: Backend {
    let asked: TestEvent
    let gone: TestEvent
    let capabilities: BackendCapabilities = .ranges

    func fetch(_ request: OriginRequest, into sink: any ContentSink) async throws(BackendError) {
        asked.fire()
        await TestEvent().wait()
        gone.fire()
        throw BackendError(.cancelled, "cancelled")
    }

    func head(_ request: OriginRequest) async throws(BackendError) -> ContentHead {
        throw BackendError(.unsupported, "only gets")
    }
}
