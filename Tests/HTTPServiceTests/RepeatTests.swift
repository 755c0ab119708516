import Content
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import Metrics
import NIOCore
import NIOEmbedded
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import HTTPService

/// Answers that are given again without their handler.
@Suite struct RepeatTests {
    private static let bytes = randomBytes(100_000, seed: 7)

    /// How often the handler was asked, and answers that were given again.
    private final class Counts: Sendable {
        let handled = Mutex(0)
        let repeated = Mutex(0)
    }

    private func withRepeating(
        _ configuration: ListenerConfiguration = .local(),
        _ body: (Running, Counts) async throws -> Void
    ) async throws {
        let temporary = try TemporaryFile(Data(Self.bytes))
        let file = try FileHandle(forReadingFrom: temporary.url)
        let counts = Counts()
        try await withListener(configuration) { router in
            router.get("/:name") { request, context -> Response in
                counts.handled.withLock { $0 += 1 }
                let slice = FileSlice(
                    descriptor: file.fileDescriptor,
                    range: ByteRange(length: Int64(Self.bytes.count)),
                    owner: file
                )
                var repeatable = RepeatableBody(slice)
                repeatable.count = { counts.repeated.withLock { $0 += 1 } }
                context.notes.repeatable = repeatable
                return Response.representation(
                    Representation(length: slice.range.count),
                    to: request,
                    content: [.contentType: "x/y"]
                ) { range in
                    .stream(length: range.count) { stream in
                        try await stream.write(FileSlice(descriptor: file.fileDescriptor, range: range, owner: file))
                    }
                }
            }
        } _: { running in
            try await body(running, counts)
        }
        withExtendedLifetime(temporary) {}
    }

    /// A connection whose answers are read one by one.
    private final class Session {
        private let client: RawClient
        private var unread = Data()

        init(_ running: Running) throws { client = try RawClient(port: running.port) }

        func send(_ text: String) async throws { try await client.send(text) }

        func ask(_ text: String) async throws -> (head: String, body: Data) {
            try await send(text)
            return try await answer()
        }

        func rest() async throws -> Data { unread + (try await client.readToTheLast()) }

        /// An answer that has no body.
        func head() async throws -> String {
            while true {
                if let end = unread.firstRange(of: Data("\r\n\r\n".utf8)) {
                    defer { unread = Data(unread[end.upperBound...]) }
                    return String(decoding: unread[..<end.lowerBound], as: UTF8.self)
                }
                unread += try await client.read(1 << 20)
            }
        }

        func answer() async throws -> (head: String, body: Data) {
            while true {
                if let end = unread.firstRange(of: Data("\r\n\r\n".utf8)) {
                    let head = String(decoding: unread[..<end.lowerBound], as: UTF8.self)
                    let length = try #require(
                        head.lowercased().split(separator: "\r\n").first { $0.hasPrefix("content-length: ") }
                            .flatMap { Int($0.dropFirst(16)) },
                        "\(head)"
                    )
                    if unread.distance(from: end.upperBound, to: unread.endIndex) >= length {
                        let body = Data(unread[end.upperBound...].prefix(length))
                        unread = Data(unread[end.upperBound...].dropFirst(length))
                        return (head, body)
                    }
                }
                let more = try await client.read(1 << 20)
                try #require(!more.isEmpty, "the connection ended")
                unread += more
            }
        }
    }

    private static let whole = "GET /a HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n"

    private static func expectWhole(_ answer: (head: String, body: Data)) {
        #expect(answer.head.hasPrefix("HTTP/1.1 200 OK\r\n"), "\(answer.head)")
        let head = answer.head.lowercased()
        #expect(head.contains("\r\ncontent-type: x/y") && head.contains("\r\ndate: "), "\(head)")
        #expect(answer.body.elementsEqual(bytes))
    }

    /// How many of the requests of `body` had their answer given again.
    private func repeats(_ counts: Counts, _ body: () async throws -> Void) async throws -> Int {
        let before = counts.repeated.withLock { $0 }
        try await body()
        return counts.repeated.withLock { $0 } - before
    }

    @Test("The same request gets the same answer, but for a connection's first")
    func same() async throws {
        try await withRepeating { running, counts in
            for _ in 0..<2 {
                let session = try Session(running)
                let repeated = try await repeats(counts) {
                    for _ in 0..<30 { Self.expectWhole(try await session.ask(Self.whole)) }
                }
                // It may be made anew meanwhile, by one of them.
                #expect(repeated > 0 && repeated < 30)
            }
            #expect(counts.handled.withLock { $0 } + counts.repeated.withLock { $0 } == 60)
        }
    }

    @Test(
        "Anything else is looked at",
        arguments: [
            "GET /b HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n", "GET /a HTTP/1.1\r\nHost: y\r\nAccept: */*\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost: x\r\nAccept: x/y\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost: x\r\nAccept: */*\r\nRange: bytes=1-\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost: x\r\nAccept: */*\r\nIf-None-Match: \"x\"\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost: x\r\nAccept: */*\r\nContent-Length: 2\r\n\r\nab",
        ]
    )
    func other(request: String) async throws {
        try await withRepeating { running, counts in
            let session = try Session(running)
            for _ in 0..<3 { Self.expectWhole(try await session.ask(Self.whole)) }
            let handled = counts.handled.withLock { $0 }
            _ = try await session.ask(request)
            #expect(counts.handled.withLock { $0 } == handled + 1)
            Self.expectWhole(try await session.ask(Self.whole))
        }
    }

    @Test("What asks for more than an ordinary answer is looked at each time")
    func special() async throws {
        try await withRepeating { running, counts in
            let session = try Session(running)
            let repeated = try await repeats(counts) {
                for text in [
                    "GET /a HTTP/1.1\r\nHost: x\r\nRange: bytes=0-\r\n\r\n",
                    "GET /a HTTP/1.1\r\nHost: x\r\nCookie: a\r\n\r\n",
                    "GET http://x/a HTTP/1.1\r\nHost: x\r\n\r\n",
                    "GET /a HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n",
                    "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
                ] {
                    for _ in 0..<5 { _ = try await session.ask(text) }
                }
            }
            #expect(repeated == 0)
        }
    }

    @Test("A client that has its answer before the server knows, or asks for a head, has the others' as fast")
    func heads() async throws {
        try await withRepeating { running, counts in
            let session = try Session(running)
            let repeated = try await repeats(counts) {
                for _ in 0..<3 {
                    try await session.send("HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n")
                    #expect(try await session.head().hasPrefix("HTTP/1.1 "))
                    for _ in 0..<5 { Self.expectWhole(try await session.ask(Self.whole)) }
                }
            }
            #expect(repeated > 0)
        }
    }

    @Test("Requests that come at once are answered in their order, and that connection is left alone from then on")
    func order() async throws {
        try await withRepeating { running, counts in
            let part = "GET /a HTTP/1.1\r\nHost: x\r\nRange: bytes=5-9\r\n\r\n"
            let session = try Session(running)
            for _ in 0..<3 { Self.expectWhole(try await session.ask(Self.whole)) }
            let repeated = try await repeats(counts) {
                try await session.send(Self.whole + Self.whole + part + Self.whole + part)
                for isPart in [false, false, true, false, true] {
                    let answer = try await session.answer()
                    #expect(answer.head.contains("206 Partial") == isPart)
                    #expect(answer.body.elementsEqual(isPart ? Self.bytes[5...9] : Self.bytes[...]))
                }
                for _ in 0..<3 { Self.expectWhole(try await session.ask(Self.whole)) }
            }
            #expect(repeated == 0)
        }
    }

    /// A known request's text that stands in another one's is none.
    @Test("A request that comes in parts is one, whatever its parts look like")
    func parts() async throws {
        try await withRepeating { running, counts in
            let (known, session) = (try Session(running), try Session(running))
            for session in [known, session] { Self.expectWhole(try await session.ask(Self.whole)) }
            let repeated = try await repeats(counts) {
                try await session.send("GET /b HTTP/1.1\r\nAccept: ")
                // The first part has been read when the other connection's next request is answered and this one is not.
                for _ in 0..<3 {
                    Self.expectWhole(try await known.ask("GET /c HTTP/1.1\r\nHost: x\r\nCookie: a\r\n\r\n"))
                }
                let handled = counts.handled.withLock { $0 }
                Self.expectWhole(try await session.ask(Self.whole))
                #expect(counts.handled.withLock { $0 } == handled + 1)
                Self.expectWhole(try await session.ask(Self.whole))
            }
            #expect(repeated == 0)
        }
    }

    @Test("A shutdown lets an answer come to its end")
    func shutdown() async throws {
        var configuration = ListenerConfiguration.local()
        configuration.drain = .seconds(20)
        try await withRepeating(configuration) { running, counts in
            let session = try Session(running)
            for _ in 0..<3 { Self.expectWhole(try await session.ask(Self.whole)) }
            try await session.send(Self.whole)
            await running.group.triggerGracefulShutdown()
            // It is answered, or the connection is closed before it is read; never in the middle.
            let rest = try await session.rest()
            #expect(rest.isEmpty || rest.count > Self.bytes.count)
        }
    }

    @Test("The line of an answer that is given again is the first one's, with what is new in its place")
    func line() throws {
        func text(_ metadata: Logger.Metadata) -> String {
            metadata.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
        }
        let line: Logger.Metadata = [
            "method": "GET", "path": "/a", "status": "200", "bytes": "1", "remote": "old", "cache": "hit", "task": "t",
            "upstream": "u",
        ]
        var answer = try #require(Self.ordinaryAnswer(ByteBuffer(string: "x"), made: .now(), line)).condensedLine
        #expect(answer.count == 3)
        answer["ms"] = "2"
        answer["remote"] = "new"
        #expect(text(answer) == text(line.merging(["ms": "2", "remote": "new"]) { $1 }))
        #expect(try #require(Self.ordinaryAnswer(ByteBuffer(string: "x"), made: .now())).condensedLine.isEmpty)
    }

    private static func ordinaryAnswer(
        _ body: ByteBuffer,
        made: NIODeadline,
        _ line: Logger.Metadata = [:]
    ) -> RepeatedAnswers.Answer? {
        RepeatedAnswers.Answer(
            to: HTTPRequest(method: .get, scheme: nil, authority: "x", path: "/"),
            ByteBuffer(string: "GET / HTTP/1.1\r\n\r\n"),
            ByteBuffer(string: "HTTP/1.1 200 OK\r\ncontent-length: \(body.readableBytes)\r\n\r\n"),
            body,
            made: made,
            line,
            {}
        )
    }

    @Test("What may be given again")
    func repeatable() {
        func isKept(
            _ fields: HTTPFields = [:],
            method: HTTPRequest.Method = .get,
            scheme: String? = nil,
            text: String = "GET /a HTTP/1.1\r\n\r\n",
            head: String = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
        ) -> Bool {
            RepeatedAnswers.Answer(
                to: HTTPRequest(method: method, scheme: scheme, authority: "x", path: "/a", headerFields: fields),
                ByteBuffer(string: text),
                ByteBuffer(string: head),
                ByteBuffer(string: "ab"),
                made: .now(),
                [:],
                {}
            ) != nil
        }
        #expect(isKept([.accept: "a", .userAgent: "b", .authorization: "c"]))
        for name: HTTPField.Name in [
            .range, .ifNoneMatch, .ifRange, .expect, .upgrade, .contentLength, .cookie, .connection,
        ] {
            #expect(!isKept([name: "1"]), "\(name)")
        }
        #expect(!isKept(method: .head))
        #expect(!isKept(scheme: "http"))
        #expect(!isKept(text: "GET /a HTTP/1.0\r\nX: HTTP/1.1\r\n\r\n"))
        for head in [
            "HTTP/1.1 206 Partial Content\r\nContent-Length: 2\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        ] {
            #expect(!isKept(head: head), "\(head)")
        }
    }

    @Test(
        "An answer is made anew by one request while the others get the old one, and forgotten where nobody does that"
    )
    func renewal() throws {
        let loop = EmbeddedEventLoop()
        let answers = RepeatedAnswers()
        let start = loop.now
        func answer(after time: TimeAmount) throws -> RepeatedAnswers.Answer {
            try #require(Self.ordinaryAnswer(ByteBuffer(string: "x"), made: start + time))
        }
        let key = RepeatedAnswers.Key(client: nil, text: ByteBuffer(string: "x"))
        let first = try answer(after: .zero)
        answers.keep(first, for: key, on: loop)
        answers.keep(try answer(after: .milliseconds(1)), for: key, on: loop)
        #expect(answers.answer(key, at: start + .milliseconds(999)) === first)
        #expect(answers.answer(key, at: start + .milliseconds(1001)) == nil)
        #expect(answers.answer(key, at: start + .milliseconds(1001)) === first)
        let second = try answer(after: .milliseconds(1100))
        answers.keep(second, for: key, on: loop)
        #expect(answers.answer(key, at: start + .milliseconds(1100)) === second)
        loop.advanceTime(by: .milliseconds(2050))
        #expect(answers.answer(key, at: start + .milliseconds(2050)) === second)
        loop.advanceTime(by: .milliseconds(1150))
        #expect(answers.answer(key, at: start + .milliseconds(2051)) == nil)
    }

    @Test("No more is kept than fits, and what is forgotten makes room")
    func room() throws {
        let loop = EmbeddedEventLoop()
        let answers = RepeatedAnswers()
        let body = ByteBuffer(repeating: 0x61, count: Int(RepeatedAnswers.longest))
        func key(_ number: Int) -> RepeatedAnswers.Key { .init(client: nil, text: ByteBuffer(string: "\(number)")) }
        let start = loop.now
        func keep(_ number: Int) throws {
            answers.keep(try #require(Self.ordinaryAnswer(body, made: start)), for: key(number), on: loop)
        }
        for number in 0..<100 { try keep(number) }
        let kept = (0..<100).filter { answers.answer(key($0), at: start) != nil }
        #expect(kept == Array(0..<63))
        loop.advanceTime(by: .seconds(3))
        #expect(!(0..<100).contains { answers.answer(key($0), at: start) != nil })
        try keep(99)
        #expect(answers.answer(key(99), at: start) != nil)
    }
}
