import Content
import CurlTransport
import TestSupport
import Testing

/// Servers that do not do what they should.
@Suite struct MisbehaviourTests {
    struct Fault: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var script: Script
        var code: TransferError.Code
        var bytes: Int64 = 0
    }

    private static let faults =
        [
            Fault(
                testDescription: "short body",
                script: .short([1, 2, 3, 4], sending: 3),
                code: .closedEarly,
                bytes: 3
            ),
            Fault(testDescription: "no body", script: .short([1, 2, 3, 4], sending: 0), code: .closedEarly),
            Fault(
                testDescription: "chunks that stop",
                script: .head(200, ["Transfer-Encoding": "chunked"]).chunk([1, 2]).close(),
                code: .closedEarly,
                bytes: 2
            ),
            Fault(
                testDescription: "a chunk that is none",
                script: .head(200, ["Transfer-Encoding": "chunked"]).body(Array("zz\r\n".utf8)).close(),
                code: .protocolError
            ),
            Fault(
                testDescription: "reset in the head",
                script: .raw("HTTP/1.1 200 OK\r\nContent-".utf8).reset(),
                code: .closedEarly
            ),
            Fault(testDescription: "nothing", script: .raw([]).close(), code: .closedEarly),
            Fault(testDescription: "no HTTP", script: .raw("SSH-2.0-OpenSSH\r\n".utf8).close(), code: .protocolError),
            Fault(
                testDescription: "a negative length",
                script: .raw("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n12345".utf8).close(),
                code: .protocolError
            ),
        ]
        + [
            "5\r\nContent-Length: 4", "5, 4", "5,", ",", "", "4x", "+4", "0x4", "4 4", "99999999999999999999",
        ].map {
            Fault(
                testDescription: "a length of \($0)",
                script: .raw("HTTP/1.1 200 OK\r\nContent-Length: \($0)\r\n\r\n1234".utf8).close(),
                code: .protocolError
            )
        } + [
            Fault(
                testDescription: "an endless head",
                script: .raw("HTTP/1.1 200 OK\r\n".utf8).raw([UInt8](repeating: 0x41, count: 4 << 20)).close(),
                code: .protocolError
            ),
            Fault(
                testDescription: "endless fields",
                script: .raw("HTTP/1.1 200 OK\r\n".utf8)
                    .raw(String(repeating: "A: \(String(repeating: "b", count: 1000))\r\n", count: 1000).utf8).close(),
                code: .protocolError
            ),
        ]

    @Test(arguments: faults)
    func isTold(fault: Fault) async throws {
        try await withScriptedServer { _ in
            fault.script
        } body: { server in
            try await withTransport { transport in
                let sink = RecordingSink()
                let error = await failure {
                    try await transport.perform(TransferRequest(to: server.url()), into: sink)
                }
                #expect(error?.code == fault.code, "\(String(describing: error))")
                #expect(error?.bytesReceived == fault.bytes)
            }
        }
    }

    @Test func aResetInTheBodyIsAnEarlyEnd() async throws {
        let arrived = TestEvent()
        try await withScriptedServer { _ in
            .head(200, ["Content-Length": "10"]).body([1, 2, 3]).wait(arrived).reset()
        } body: { server in
            try await withTransport { transport in
                let sink = RecordingSink()
                async let error = failure {
                    try await transport.perform(TransferRequest(to: server.url()), into: sink)
                }
                await sink.gotBytes.wait()
                arrived.fire()
                #expect(await error?.code == .closedEarly)
                #expect(await error?.bytesReceived == 3)
            }
        }
    }

    @Test func aKeptConnectionThatHasDiedIsReplaced() async throws {
        try await withScriptedServer { request in
            request.number == 1 ? .respond(body: [1]).close() : .respond(body: request.body)
        } body: { server in
            try await withTransport { transport in
                _ = try await transport.fetch(TransferRequest(to: server.url()))
                var request = TransferRequest(to: server.url(), method: "POST")
                request.body = .bytes([4, 5, 6])
                let response = try await transport.fetch(request)
                #expect(response.body == [4, 5, 6])
            }
        }
    }

    /// When the bytes come that are more than an answer has announced.
    enum Surplus: CaseIterable { case atOnce, whileNobodyAsks, beforeTheNextAnswer }

    @Test(arguments: Surplus.allCases) func bytesThatAreTooManySpoilNoLaterAnswer(surplus: Surplus) async throws {
        let (got, sent) = (TestEvent(), TestEvent())
        try await withScriptedServer { request in
            switch (surplus, request.number) {
            case (.atOnce, 1): .head(200, ["Content-Length": "5"]).body([1, 2, 3, 4, 5, 6, 7, 8])
            case (.whileNobodyAsks, 1): .respond(body: [1, 2, 3, 4, 5]).wait(got).body([6, 7, 8]).fire(sent)
            case (.beforeTheNextAnswer, 2): .raw([6, 7, 8]).raw("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\0".utf8)
            default: .respond(body: [9])
            }
        } body: { server in
            try await withTransport { transport in
                _ = try await transport.fetch(TransferRequest(to: server.url()))
                got.fire()
                if surplus == .whileNobodyAsks { await sent.wait() }
                #expect(try await transport.fetch(TransferRequest(to: server.url())).body == [9])
            }
        }
    }

    @Test func aServerThatSaysNothingRunsIntoTheTotalTimeout() async throws {
        let never = TestEvent()
        try await withScriptedServer { _ in
            .wait(never)
        } body: { server in
            try await withTransport { transport in
                var request = TransferRequest(to: server.url())
                request.options.totalTimeout = .milliseconds(150)
                let error = await failure { try await transport.fetch(request) }
                #expect(error?.code == .timedOut)
            }
        }
    }

    @Test func theTotalTimeoutCoversAllRedirects() async throws {
        try await withScriptedServer { _ in
            .redirect(to: "/again")
        } body: { server in
            try await withTransport { transport in
                var request = TransferRequest(to: server.url())
                request.options.totalTimeout = .milliseconds(150)
                request.options.maximumRedirects = 1_000_000
                let error = await failure { try await transport.fetch(request) }
                #expect(error?.code == .timedOut)
            }
        }
    }

    @Test func aServerThatTricklesIsTooSlow() async throws {
        let never = TestEvent()
        try await withScriptedServer { _ in
            .head(200, ["Content-Length": "9"]).body([1]).wait(never)
        } body: { server in
            try await withTransport { transport in
                var request = TransferRequest(to: server.url())
                request.options.lowSpeed = LowSpeedLimit(bytesPerSecond: 1000, for: .seconds(1))
                let error = await failure { try await transport.fetch(request) }
                #expect(error?.code == .tooSlow)
            }
        }
    }

    @Test func anUnknownHostCanNotBeResolved() async throws {
        try await withTransport { transport in
            let error = await failure {
                try await transport.fetch(TransferRequest(to: "http://nowhere.invalid/"))
            }
            #expect(error?.code == .cannotResolve)
            #expect(error?.curlCode == 6)
        }
    }
}
