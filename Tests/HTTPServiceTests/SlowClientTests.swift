import Foundation
import HTTPService
import Hummingbird
import Testing

@Suite(.timeLimit(.minutes(1))) struct SlowClientTests {
    /// Runs two listeners that differ in one time only: half a second, and an hour like all the others.
    ///
    /// A connection of the patient one that outlives one of the quick one shows which time it was that counted.
    private func withTwoListeners(
        _ time: WritableKeyPath<ListenerConfiguration, Duration>,
        routes: (Router<ServiceRequestContext>) -> Void,
        _ body: (_ quick: Running, _ patient: Running) async throws -> Void
    ) async throws {
        var patience = ListenerConfiguration.local()
        patience.headerTimeout = .seconds(3600)
        patience.idleTimeout = .seconds(3600)
        patience.stallTimeout = .seconds(3600)
        var haste = patience
        haste[keyPath: time] = .milliseconds(500)
        try await withListener(patience, routes: routes) { patient in
            try await withListener(haste, routes: routes) { quick in try await body(quick, patient) }
        }
    }

    private func expectAnAnswer(_ client: RawClient) async throws {
        #expect(String(decoding: try await client.read(15), as: UTF8.self) == "HTTP/1.1 200 OK")
    }

    @Test(arguments: [
        ("", "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"), ("GET /hello HTTP/1.1\r\n", "Host: x\r\n\r\n"),
        ("GET /hello HTTP/1.1\r\nHost: x\r\nA: ", "b\r\n\r\n"),
    ])
    func aClientThatNeverSendsItsHeaderIsClosed(sent: String, rest: String) async throws {
        try await withTwoListeners(\.headerTimeout, routes: ListenerTests.hello) { quick, patient in
            let waiting = try RawClient(port: patient.port)
            try await waiting.send(sent)
            let client = try RawClient(port: quick.port)
            try await client.send(sent)
            _ = try await client.readToTheLast()
            try await waiting.send(rest)
            try await expectAnAnswer(waiting)
        }
    }

    @Test func anIdleConnectionIsClosed() async throws {
        let request = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"
        try await withTwoListeners(\.idleTimeout, routes: ListenerTests.hello) { quick, patient in
            let waiting = try RawClient(port: patient.port)
            try await waiting.send(request)
            #expect(try await waiting.read(1000).starts(with: "HTTP/1.1 200 OK".utf8))
            let client = try RawClient(port: quick.port)
            try await client.send(request)
            #expect(try await client.readToEnd().starts(with: "HTTP/1.1 200 OK".utf8))
            try await waiting.send(request)
            try await expectAnAnswer(waiting)
        }
    }

    @Test func aBodyThatStopsArrivingIsGivenUp() async throws {
        let begin = "POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"
        try await withTwoListeners(\.idleTimeout) {
            $0.post("up") { request, _ in
                let buffer = try await request.collect(limit: 1000)
                return Response.text("\(buffer.readableBytes)")
            }
        } _: { quick, patient in
            let waiting = try RawClient(port: patient.port)
            try await waiting.send(begin)
            let client = try RawClient(port: quick.port)
            try await client.send(begin)
            let answer = String(decoding: try await client.readToTheLast(), as: UTF8.self)
            #expect(!answer.hasPrefix("HTTP/1.1 200"))
            try await waiting.send("defghij")
            try await expectAnAnswer(waiting)
        }
    }

    @Test func aReaderThatStopsReadingIsGivenUp() async throws {
        let (ends, end) = AsyncStream<SendReport>.makeStream()
        let (patientEnds, patientEnd) = AsyncStream<SendReport>.makeStream()
        let size: Int64 = 64 << 20
        let file = try OpenFile(Data(count: Int(size)))
        try await withTwoListeners(\.stallTimeout) {
            $0.get("quick") { _, _ in Response.file(file.slice(0..<size)) { end.yield($0) } }
            $0.get("patient") { _, _ in Response.file(file.slice(0..<size)) { patientEnd.yield($0) } }
        } _: { quick, patient in
            let waiting = try RawClient(port: patient.port)
            try await waiting.send("GET /patient HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            let client = try RawClient(port: quick.port)
            try await client.send("GET /quick HTTP/1.1\r\nHost: x\r\n\r\n")
            let report = await ends.first { _ in true }
            #expect(report?.failure != nil)
            #expect(try await waiting.readToEnd().count > size)
            let patientReport = await patientEnds.first { _ in true }
            #expect(patientReport?.failure == nil)
            #expect(patientReport?.bytes == size)
            withExtendedLifetime(client) {}
        }
    }

    @Test func aHeaderThatIsTooLargeIsRefused() async throws {
        var configuration = ListenerConfiguration.local()
        configuration.maximumHeaderBytes = 4096
        try await withListener(configuration, routes: ListenerTests.hello) { server in
            let client = try RawClient(port: server.port)
            try await client.send(
                "GET /hello HTTP/1.1\r\nHost: x\r\nA: \(String(repeating: "a", count: 100_000))\r\n\r\n"
            )
            let answer = (try? await client.readToEnd()) ?? Data()
            #expect(answer.isEmpty || String(decoding: answer, as: UTF8.self).hasPrefix("HTTP/1.1 4"))
        }
    }

    @Test func aBodyThatNobodyWantsIsNotReadForEver() async throws {
        try await withListener {
            $0.post("up") { request, _ in
                _ = try await request.collect(limit: 1000)
                return Response.text("ok")
            }
        } _: { server in
            let client = try RawClient(port: server.port)
            try await client.send("POST /up HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            let chunk = "1000\r\n" + String(repeating: "b", count: 0x1000) + "\r\n"
            await #expect(throws: RawClient.Failure.self) {
                while true { try await client.send(chunk) }
            }
        }
    }

    @Test func aRefusedUploadGetsItsAnswer() async throws {
        let file = try TemporaryFile(sampleBytes(3 << 20))
        try await withListener {
            $0.post("up") { request, _ in
                _ = try await request.collect(limit: 1000)
                return Response.text("ok")
            }
        } _: { server in
            for expect in ["Expect:", "Expect: 100-continue"] {
                let result = try await curl(
                    "--data-binary",
                    "@\(file.url.path)",
                    "--header",
                    expect,
                    "--write-out",
                    "%{stderr}%{http_code}",
                    server.url("/up")
                )
                #expect(result.errors.hasSuffix("413"))
                #expect(
                    result.text == #"{"error":{"code":"too_large","message":"the body is larger than 1000 bytes"}}"#
                )
            }
        }
    }

    @Test func anExpectingClientNeedNotWait() async throws {
        let file = try TemporaryFile(sampleBytes(3 << 20))
        try await withListener {
            $0.post("up") { request, _ in
                Response.text("\(try await request.collect(limit: 4 << 20).readableBytes)")
            }
        } _: { server in
            // Not within the time that curl is given in all.
            let result = try await curl(
                "--data-binary",
                "@\(file.url.path)",
                "--expect100-timeout",
                "3600",
                "--header",
                "Expect: 100-continue",
                server.url("/up")
            )
            #expect(result.text == "\(3 << 20)")
        }
    }
}
