import Content
import Foundation
import HTTPTypes
import Hummingbird
import Metrics
import NIOCore
import NIOEmbedded
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

    /// Sends what asks for so many answers, the last of which ends the connection, and reads them.
    private func answers(_ requests: String, _ running: Running) async throws -> [(head: String, body: Data)] {
        let client = try RawClient(port: running.port)
        try await client.send(requests)
        return Self.split(try await client.readToEnd())
    }

    private static func split(_ data: Data) -> [(head: String, body: Data)] {
        var (answers, rest) = ([(head: String, body: Data)](), data)
        while let end = rest.firstRange(of: Data("\r\n\r\n".utf8)) {
            let head = String(decoding: rest[..<end.lowerBound], as: UTF8.self)
            let length =
                head.lowercased().split(separator: "\r\n").first { $0.hasPrefix("content-length: ") }
                .flatMap { Int($0.dropFirst(16)) } ?? 0
            let body = rest[end.upperBound...].prefix(length)
            answers.append((head, Data(body)))
            rest = rest[body.endIndex...]
        }
        return answers
    }

    private static let whole = "GET /a HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n"
    private static let last = "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

    @Test("The same request gets the same answer, and anything else is looked at")
    func same() async throws {
        try await withRepeating { running, counts in
            for round in 0..<3 {
                let before = counts.repeated.withLock { $0 }
                let got = try await answers(Self.whole + Self.last, running)
                #expect(got.count == 2)
                for answer in got {
                    #expect(answer.head.contains("200 OK"), "\(answer.head)")
                    #expect(answer.head.lowercased().contains("content-type: x/y"))
                    #expect(answer.head.lowercased().contains("\r\ndate: "))
                    #expect(answer.body.elementsEqual(Self.bytes))
                }
                // It may have been forgotten meanwhile.
                let handled = counts.handled.withLock { $0 }
                #expect(handled + counts.repeated.withLock { $0 } == 2 * round + 2)
                if round == 0 { #expect(before == 0) }
            }
            #expect(counts.repeated.withLock { $0 } > 0)
            for request in [
                "GET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                "GET /a HTTP/1.1\r\nHost: x\r\nRange: bytes=1-\r\nConnection: close\r\n\r\n",
                "GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab",
                "GET /a HTTP/1.0\r\nHost: x\r\nX-Own: 1\r\n\r\n",
            ] {
                let before = counts.handled.withLock { $0 }
                _ = try await answers(request, running)
                #expect(counts.handled.withLock { $0 } == before + 1, "\(request)")
            }
        }
    }

    @Test("What names an answer")
    func keys() {
        func key(
            _ path: String,
            _ authority: String = "x",
            from: String = "1.1.1.1",
            _ fields: HTTPFields = [:]
        )
            -> RepeatedAnswers.Key?
        {
            let request = HTTPRequest(method: .get, scheme: nil, authority: authority, path: path, headerFields: fields)
            let address = try? SocketAddress(ipAddress: from, port: 7)
            return RepeatedAnswers.key(request, from: RemoteAddress(address))
        }
        #expect(key("/a") == key("/a", "x", [.accept: "a", .userAgent: "b", .authorization: "c"]))
        #expect(key("/a") != key("/a?x"))
        #expect(key("/a") != key("/a", "y"))
        #expect(key("/a") != key("/a", from: "1.1.1.2"))
        for name: HTTPField.Name in [.range, .ifNoneMatch, .ifRange, .expect, .upgrade, .contentLength, .cookie] {
            #expect(key("/a", "x", [name: "1"]) == nil, "\(name)")
        }
        for request in [
            HTTPRequest(method: .head, scheme: nil, authority: "x", path: "/a"),
            HTTPRequest(method: .get, scheme: "http", authority: "x", path: "/a"),
        ] {
            #expect(RepeatedAnswers.key(request, from: RemoteAddress(nil)) == nil)
        }
    }

    @Test("Requests that come at once are answered in their order, whoever answers them")
    func order() async throws {
        try await withRepeating { running, counts in
            let part = "GET /a HTTP/1.1\r\nHost: x\r\nRange: bytes=5-9\r\n\r\n"
            // The first makes the answer that the others get.
            let got = try await answers(
                Self.whole + Self.whole + part + Self.whole + Self.whole + part + Self.whole + Self.last,
                running
            )
            let parts = got.map { $0.head.contains("206 Partial") }
            #expect(parts == [false, false, true, false, false, true, false, false])
            for (answer, isPart) in zip(got, parts) {
                #expect(answer.body.elementsEqual(isPart ? Self.bytes[5...9] : Self.bytes[...]))
            }
            #expect(counts.handled.withLock { $0 } + counts.repeated.withLock { $0 } == 8)
        }
    }

    @Test(
        "An answer is made anew by one request while the others get the old one, and forgotten where nobody does that"
    )
    func renewal() throws {
        let loop = EmbeddedEventLoop()
        let answers = RepeatedAnswers()
        let temporary = try TemporaryFile(Data("x".utf8))
        func answer(_ count: Int64 = 1) -> RepeatedAnswers.Answer {
            let slice = FileSlice(descriptor: 0, range: ByteRange(length: count), owner: temporary)
            return .init(head: HTTPResponse(status: .ok), body: RepeatableBody(slice), line: [:])
        }
        let key = RepeatedAnswers.Key(client: nil, authority: nil, path: "/")
        let start = loop.now
        answers.keep(answer(RepeatedAnswers.longest + 1), for: key, on: loop, at: start)
        #expect(answers.answer(key, at: start) == nil)
        let (first, second) = (answer(), answer())
        answers.keep(first, for: key, on: loop, at: start)
        answers.keep(second, for: key, on: loop, at: start + .milliseconds(1))
        #expect(answers.answer(key, at: start + .milliseconds(999)) === first)
        #expect(answers.answer(key, at: start + .milliseconds(1001)) == nil)
        #expect(answers.answer(key, at: start + .milliseconds(1001)) === first)
        answers.keep(second, for: key, on: loop, at: start + .milliseconds(1100))
        #expect(answers.answer(key, at: start + .milliseconds(1100)) === second)
        loop.advanceTime(by: .milliseconds(2050))
        #expect(answers.answer(key, at: start + .milliseconds(2050)) === second)
        loop.advanceTime(by: .milliseconds(1100))
        #expect(answers.answer(key, at: start + .milliseconds(2051)) == nil)
    }
}
