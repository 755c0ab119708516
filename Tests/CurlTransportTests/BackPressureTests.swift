import Content
import CurlTransport
import RateLimiting
import TestSupport
import Testing

/// Pausing, resuming, cancelling, ending.
@Suite struct BackPressureTests {
    let content = randomBytes(1 << 20, seed: 2)

    @Test func aPausedBodyWaitsWhileOthersGoOnAndThenComesWhole() async throws {
        let content = content
        try await withScriptedServer {
            .content(content, for: $0)
        } body: { server in
            try await withTransport { transport in
                let gate = TestEvent()
                let sink = RecordingSink { state in
                    state.body.count >= 100_000 && !gate.hasFired ? .paused : .consumed
                }
                async let summary = transport.perform(TransferRequest(to: server.url("/paused")), into: sink)
                await sink.gotPaused.wait()
                let before = sink.calls
                for _ in 0..<5 {
                    let response = try await transport.fetch(TransferRequest(to: server.url("/other")))
                    #expect(response.body.elementsEqual(content))
                }
                #expect(sink.calls == before)
                gate.fire()
                sink.resume()
                let done = try await summary
                #expect(done.bodyBytes == Int64(content.count))
                #expect(sink.body.elementsEqual(content))
            }
        }
    }

    @Test func everyOtherCallPausesAndIsResumedFromWithinTheCallAndFromOutside() async throws {
        let content = content
        try await withScriptedServer {
            .content(content, for: $0)
        } body: { server in
            try await withTransport { transport in
                // The resume is asked for before the pause is even returned: it must not be lost.
                let sink = RecordingSink { state in
                    guard state.calls % 2 == 1 else { return .consumed }
                    state.control?.resume()
                    return .paused
                }
                _ = try await transport.perform(TransferRequest(to: server.url()), into: sink)
                #expect(sink.body.elementsEqual(content))
            }
        }
    }

    @Test func aPauseHoldsTheSenderBack() async throws {
        let sent = TestEvent()
        let part = randomBytes(16 << 20, seed: 3)
        try await withScriptedServer { _ in
            .head(200, ["Content-Length": "\(part.count * 2)"]).body(part).body(part).fire(sent)
        } body: { server in
            try await withTransport { transport in
                let gate = TestEvent()
                let sink = RecordingSink { _ in gate.hasFired ? .consumed : .paused }
                async let summary = transport.perform(TransferRequest(to: server.url()), into: sink)
                await sink.gotPaused.wait()
                // 32 MiB are more than the sockets hold: the server can not have got rid of them.
                let response = try await transport.fetch(TransferRequest(to: server.url()), limit: 64 << 20)
                #expect(response.body.count == 32 << 20)
                gate.fire()
                sink.resume()
                let done = try await summary
                #expect(done.bodyBytes == Int64(part.count * 2))
                await sent.wait()
            }
        }
    }

    @Test func aSinkStartsOtherTransfers() async throws {
        try await withScriptedServer { _ in
            .respond(body: [1, 2])
        } body: { server in
            try await withTransport { transport in
                let (stream, inner) = AsyncStream<Int>.makeStream()
                let url = server.url("/inner")
                let sink = RecordingSink(onHead: { _ in
                    Task {
                        inner.yield((try? await transport.fetch(TransferRequest(to: url)).body.count) ?? -1)
                        inner.finish()
                    }
                })
                _ = try await transport.perform(TransferRequest(to: server.url()), into: sink)
                for await count in stream { #expect(count == 2) }
            }
        }
    }

    enum Moment: CaseIterable { case beforeStart, awaitingHead, inBody, paused, limited }

    @Test(arguments: Moment.allCases)
    func cancellingEndsTheTransferAndTheSinkIsLeftAlone(moment: Moment) async throws {
        let never = TestEvent()
        try await withScriptedServer { _ in
            moment == .awaitingHead
                ? .wait(never)
                : .head(200, ["Content-Length": "1000000"]).body(randomBytes(100_000, seed: 4)).wait(never)
        } body: { server in
            try await withTransport { transport in
                let sink = RecordingSink { _ in moment == .paused ? .paused : .consumed }
                var request = TransferRequest(to: server.url())
                if moment == .limited { request.options.rateLimits = [RateLimiter(bytesPerSecond: 2000)] }
                let task = Task { [request] () -> TransferError? in
                    if moment == .beforeStart { await never.wait() }
                    return await failure {
                        try await transport.perform(request, into: sink)
                    }
                }
                switch moment {
                case .beforeStart: break
                case .awaitingHead: await server.waitForRequests(1)
                case .inBody, .limited: await sink.gotBytes.wait()
                case .paused: await sink.gotPaused.wait()
                }
                task.cancel()
                let error = await task.value
                #expect(error?.code == .cancelled)
                #expect(error?.bytesReceived == Int64(sink.body.count))
                let calls = sink.calls
                sink.resume()
                // A round trip over the same thread: whatever was still to come would have come.
                _ = await failure {
                    try await transport.fetch(TransferRequest(to: "http://127.0.0.1:1/"))
                }
                #expect(sink.calls == calls)
            }
        }
    }

    @Test func shutdownEndsEverythingAndNothingStartsAfterwards() async throws {
        let never = TestEvent()
        try await withScriptedServer { _ in
            .head(200, ["Content-Length": "9"]).body([1]).wait(never)
        } body: { server in
            try await withTransport { transport in
                let sinks = (0..<3).map { _ in RecordingSink() }
                let codes = try await withThrowingTaskGroup(of: TransferError.Code?.self) { group in
                    for sink in sinks {
                        group.addTask {
                            await failure {
                                try await transport.perform(TransferRequest(to: server.url()), into: sink)
                            }?.code
                        }
                    }
                    for sink in sinks { await sink.gotBytes.wait() }
                    await transport.shutdown()
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(codes == [.cancelled, .cancelled, .cancelled])
                await transport.shutdown()
                let late = await failure {
                    try await transport.fetch(TransferRequest(to: server.url()))
                }
                #expect(late?.code == .cancelled)
            }
        }
    }

    struct Refusal: Error, Equatable { var why: Int }

    @Test func whatTheSinkThrowsIsTheCause() async throws {
        let content = content
        try await withScriptedServer {
            .content(content, for: $0)
        } body: { server in
            try await withTransport { transport in
                let sinks = [
                    RecordingSink(onHead: { _ in throw Refusal(why: 1) }),
                    RecordingSink { state in
                        if state.body.count > 50_000 { throw Refusal(why: 2) }
                        return .consumed
                    },
                ]
                for (index, sink) in sinks.enumerated() {
                    let error = await failure {
                        try await transport.perform(TransferRequest(to: server.url()), into: sink)
                    }
                    #expect(error?.code == .refusedBySink)
                    #expect(error?.cause as? Refusal == Refusal(why: index + 1))
                    #expect(error?.bytesReceived == Int64(sink.body.count))
                }
            }
        }
    }

    @Test func aSinkMayThrowAfterAPause() async throws {
        let content = content
        try await withScriptedServer {
            .content(content, for: $0)
        } body: { server in
            try await withTransport { transport in
                let sink = RecordingSink { state in
                    if state.calls > 1 { throw Refusal(why: 3) }
                    state.control?.resume()
                    return .paused
                }
                let error = await failure {
                    try await transport.perform(TransferRequest(to: server.url()), into: sink)
                }
                #expect(error?.cause as? Refusal == Refusal(why: 3))
                #expect(sink.calls == 2)
            }
        }
    }

    @Test func manyTransfersAtOnceAllComeWhole() async throws {
        let content = content
        try await withScriptedServer {
            .content(content, for: $0)
        } body: { server in
            try await withTransport { transport in
                try await withThrowingTaskGroup(of: Bool.self) { group in
                    for _ in 0..<40 {
                        group.addTask {
                            try await transport.fetch(TransferRequest(to: server.url()), limit: content.count).body
                                == content
                        }
                    }
                    for try await isWhole in group { #expect(isWhole) }
                }
            }
        }
    }
}
