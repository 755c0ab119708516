import BackendAPI
import CacheStore
import Content
import PeerEngine
import TestSupport
import Testing

@testable import ContentProxy

/// What clients get of blobs, as a whole and in parts.
@Suite(.serialized, .timeLimit(.minutes(1))) struct BlobResponderTests {
    private static let piece = 256 << 10
    private static let size = 64 * piece
    private let bytes = randomBytes(size, seed: 2)

    @Test("A HEAD is answered from the store where the content is complete there, and passed on otherwise")
    func head() async throws {
        try await withBlobs { rig in
            let path = try rig.put(bytes)
            let cold = try await rig.client.send("HEAD", rig.url(path))
            #expect(cold.status == 421)
            #expect(rig.origin.memory.requests.isEmpty)
            let whole = try await rig.client.send("GET", rig.url(path))
            #expect(whole.headers["Cache-Status"] == "darter; fwd=uri-miss; stored")
            let warm = try await rig.client.send("HEAD", rig.url(path))
            #expect(warm.status == 200)
            #expect(warm.headers["Content-Length"] == "\(Self.size)")
            #expect(warm.headers["Docker-Content-Digest"] == Digest.of(bytes).description)
            #expect(warm.headers["Cache-Status"] == "darter; hit")
            #expect(warm.body.isEmpty)
            #expect(rig.answers.note("cache") == "hit")
        }
    }

    @Test("A HEAD of what is here tells nobody that the registry would not let have it")
    func refusedHead() async throws {
        try await withBlobs { rig in
            let path = try rig.put(bytes)
            let url = try #require(ResourceURL("http://origin\(path)"))
            rig.origin.user("Anna").set(.init(bytes), at: url)
            let got = try await rig.client.send("GET", rig.url(path), ["Authorization": "Anna"])
            #expect(got.body.elementsEqual(bytes))
            let own = try await rig.client.send("HEAD", rig.url(path), ["Authorization": "Anna"])
            #expect(own.status == 200)
            for headers: HeaderFields in [[:], ["Authorization": "Berta"]] {
                let other = try await rig.client.send("HEAD", rig.url(path), headers)
                #expect(other.status == 421)
            }
        }
    }

    @Test("Many clients share one download; one that takes nothing, or goes away, is nobody else's trouble")
    func shared() async throws {
        try await withBlobs { rig in
            let path = try rig.put(bytes)
            let pause = rig.origin.pause(at: Int64(Self.size / 2))
            let go = TestEvent()
            let slow = Task { try await rig.client.send("GET", rig.url(path), after: go) }
            let arrived = TestEvent()
            let gone = Task { try await rig.client.send("GET", rig.url(path), reaching: Self.piece, arrived) }
            let others = (0..<4).map { _ in Task { try await rig.client.send("GET", rig.url(path)) } }
            await pause.reached.wait()
            await arrived.wait()
            gone.cancel()
            pause.release.fire()
            for other in others { #expect(try await other.value.body.elementsEqual(bytes)) }
            go.fire()
            #expect(try await slow.value.body.elementsEqual(bytes))
            #expect(rig.origin.memory.requests.count == 1)
        }
    }

    @Test(
        "Nothing at all is as wrong as anything else that is not the blob",
        arguments: [nil, "bytes=0-5", "bytes=-5"]
    )
    func empty(range: String?) async throws {
        for prefetch in [Prefetch.rest, .none] {
            try await withBlobs(prefetch: prefetch) { rig in
                let headers: HeaderFields = range.map { ["Range": $0] } ?? [:]
                let wrong = try await rig.client.send("GET", rig.url(try rig.put([], as: Digest.of(bytes))), headers)
                #expect(wrong.status == 421)
                #expect(wrong.headers["Server"] == "digest_mismatch")
                let right = try await rig.client.send("GET", rig.url(try rig.put([])), headers)
                #expect(right.status == (range == nil ? 200 : 416))
                #expect(right.isWhole && right.body.isEmpty)
            }
        }
    }

    @Test("What finds no room here is left to the registry")
    func noRoom() async throws {
        try await withBlobs(quota: 1 << 20) { rig in
            let path = try rig.put(bytes)
            let answer = try await rig.client.send("GET", rig.url(path))
            #expect(answer.status == 421)
            #expect(answer.headers["Server"] == "storage_full")
        }
    }

    @Test("The log is told where the bytes came from")
    func notes() async throws {
        try await withBlobs { rig in
            let path = try rig.put(bytes)
            _ = try await rig.client.send("GET", rig.url(path))
            await eventually { rig.answers.note("origin") != nil }
            #expect(rig.answers.note("origin") == "\(Self.size)")
            #expect(rig.answers.note("task") == "\(TaskID(content: Digest.of(bytes)))")
            #expect(rig.answers.note("cache") == "uri-miss")
            _ = try await rig.client.send("GET", rig.url(path))
            await eventually { rig.answers.note("store") != nil }
            #expect(rig.answers.note("store") == "\(Self.size)")
            #expect(rig.answers.note("cache") == "hit")
        }
    }

    // MARK: Parts

    private let parts = ["bytes=10-20", "bytes=\(5 * piece - 1)-\(5 * piece)", "bytes=-100"]
    private let pieces: PieceSet = [0, 4, 5, 63]

    private func expect(_ part: String, _ answer: BlobClient.Answer) throws {
        let header = try #require(RangeHeader(part))
        guard case .partial(let range) = header.resolve(length: Int64(Self.size)) else { return }
        #expect(answer.status == 206)
        #expect(answer.isWhole)
        #expect(answer.body.elementsEqual(bytes[Int(range.offset)..<Int(range.end)]), "\(part)")
    }

    @Test("Without prefetch nothing is fetched but what the parts lie in", arguments: [false, true])
    func lazy(atOnce: Bool) async throws {
        try await withBlobs(prefetch: .none) { rig in
            let path = try rig.put(bytes)
            if atOnce {
                try await withThrowingTaskGroup(of: (String, BlobClient.Answer).self) { group in
                    for part in parts {
                        group.addTask { (part, try await rig.client.send("GET", rig.url(path), ["Range": part])) }
                    }
                    for try await (part, answer) in group { try expect(part, answer) }
                }
            } else {
                for part in parts {
                    try expect(part, try await rig.client.send("GET", rig.url(path), ["Range": part]))
                }
            }
            #expect(try rig.committed(path) == pieces)
            #expect(rig.origin.memory.bytesSent == 4 * Self.piece)
            // Once more: it is all here.
            for part in parts {
                try expect(part, try await rig.client.send("GET", rig.url(path), ["Range": part]))
            }
            #expect(rig.origin.memory.bytesSent == 4 * Self.piece)
            // Whoever wants all gets all, and only the rest is fetched.
            let whole = try await rig.client.send("GET", rig.url(path))
            #expect(whole.body.elementsEqual(bytes))
            #expect(rig.origin.memory.bytesSent == Self.size)
        }
    }

    @Test("With prefetch the rest follows when the client has what it wanted")
    func rest() async throws {
        try await withBlobs { rig in
            let path = try rig.put(bytes)
            let pause = rig.origin.pause(at: Int64(8 * Self.piece))
            try expect("bytes=10-20", try await rig.client.send("GET", rig.url(path), ["Range": "bytes=10-20"]))
            pause.release.fire()
            await eventually { (try? rig.committed(path).count) == 64 }
            let head = { try await rig.client.send("HEAD", rig.url(path)).status }
            while try await head() != 200 {}
            #expect(rig.origin.memory.bytesSent == Self.size)
        }
    }

    @Test(
        "A request for all of it is none for a part",
        arguments: ["bytes=0-", "bytes=0-16777215", "bytes=0-99999999"]
    )
    func all(range: String) async throws {
        try await withBlobs(prefetch: .none) { rig in
            let path = try rig.put(bytes)
            let answer = try await rig.client.send("GET", rig.url(path), ["Range": range])
            #expect(answer.status == 206)
            #expect(answer.body.elementsEqual(bytes))
            #expect(try rig.committed(path).count == 64)
        }
    }

    @Test("A range that is not meant, or not there, is answered as ever without prefetch, too")
    func oddRanges() async throws {
        try await withBlobs(prefetch: .none) { rig in
            let path = try rig.put(bytes)
            let behind = try await rig.client.send("GET", rig.url(path), ["Range": "bytes=99999999-"])
            #expect(behind.status == 416)
            #expect(rig.origin.memory.bytesSent == 0)
            let fields: HeaderFields = ["Range": "bytes=5-9", "If-Range": "\"other\""]
            let other = try await rig.client.send("GET", rig.url(path), fields)
            #expect(other.status == 200)
            #expect(other.body.elementsEqual(bytes))
        }
    }
}
