import Foundation
import Glibc
import HTTPService
import Hummingbird
import ServiceLifecycle
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct ShutdownTests {
    @Test func aHandlerIsCancelledWhenItsClientLeaves() async throws {
        let (events, event) = AsyncStream<String>.makeStream()
        try await withListener {
            $0.post("poll") { request, _ in
                _ = try await request.collect(limit: 100)
                event.yield("waiting")
                await TestEvent().wait()
                event.yield(Task.isCancelled ? "cancelled" : "woken")
                return Response.text("late")
            }
        } _: { server in
            var iterator = events.makeAsyncIterator()
            for _ in 0..<3 {
                let client = try RawClient(port: server.port)
                try await client.send("POST /poll HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab")
                #expect(await iterator.next() == "waiting")
                client.close()
                #expect(await iterator.next() == "cancelled")
            }
        }
    }

    @Test func aConnectionLivesOnAfterALongPoll() async throws {
        let (polls, poll) = AsyncStream<TestEvent>.makeStream()
        try await withListener {
            $0.post("poll") { request, _ in
                _ = try await request.collect(limit: 100)
                let news = TestEvent()
                poll.yield(news)
                await news.wait()
                return Response.text("event")
            }
        } _: { server in
            async let response = curl(
                "--data",
                "x",
                server.url("/poll?[1-5]"),
                "--write-out",
                "%{stderr}%{num_connects} "
            )
            var iterator = polls.makeAsyncIterator()
            for _ in 0..<5 { await iterator.next()?.fire() }
            let result = try await response
            #expect(result.text == "eventeventeventeventevent")
            #expect(result.errors == "1 0 0 0 0 ")
        }
    }

    @Test func runningResponsesFinishAndNewConnectionsAreRefused() async throws {
        let (starts, start) = AsyncStream<Void>.makeStream()
        let (ends, end) = AsyncStream<Void>.makeStream()
        var configuration = ListenerConfiguration.local()
        configuration.drain = .seconds(20)
        try await withListener(configuration) {
            $0.get("slow") { _, _ in
                Response(
                    status: .ok,
                    body: .stream(length: 10) { stream in
                        try await stream.write(Array("01234".utf8))
                        start.yield()
                        _ = await ends.first { _ in true }
                        try await stream.write(Array("56789".utf8))
                    }
                )
            }
        } _: { server in
            async let response = curl(server.url("/slow"))
            let idle = try RawClient(port: server.port)
            _ = await starts.first { _ in true }
            await server.group.triggerGracefulShutdown()
            let value1 = try await idle.readToEnd().isEmpty
            #expect(value1)
            // The listener has closed by then, or does so now, on a thread of its own.
            await eventually { (try? RawClient(port: server.port)) == nil }
            end.yield()
            let result = try await response
            #expect(result.exitCode == 0)
            #expect(result.text == "0123456789")
        }
    }

    @Test("Who hears late of the shutdown is served for the time of the notice, and told")
    func notice() async throws {
        var configuration = ListenerConfiguration.local()
        configuration.notice = .seconds(5)
        try await withListener(configuration, routes: ListenerTests.hello) { server in
            let request = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"
            let kept = try RawClient(port: server.port)
            await server.group.triggerGracefulShutdown()
            // Connections end with their next answer from then on, or from a moment later.
            var answers: [String] = []
            repeat {
                let new = try RawClient(port: server.port)
                try await new.send(request + "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                answers = String(decoding: try await new.readToEnd(), as: UTF8.self)
                    .components(separatedBy: "HTTP/1.1 200")
            } while answers.count == 3
            #expect(answers.count == 2)
            let said = answers.last?.lowercased() ?? ""
            #expect(said.contains("connection: close"))
            try await kept.send(request)
            let answer = String(decoding: try await kept.readToEnd(), as: UTF8.self).lowercased()
            #expect(answer.hasPrefix("http/1.1 200"))
            #expect(answer.contains("connection: close"))
        }
    }

    @Test func theDrainEndsAtItsTime() async throws {
        let (starts, start) = AsyncStream<Void>.makeStream()
        let release = TestEvent()
        func slow(_ router: Router<ServiceRequestContext>) {
            router.get("slow") { _, _ in
                Response(
                    status: .ok,
                    body: .stream(length: 10) { stream in
                        try await stream.write(Array("01234".utf8))
                        start.yield()
                        await release.wait()
                        try await stream.write(Array("56789".utf8))
                    }
                )
            }
        }
        var patience = ListenerConfiguration.local()
        patience.drain = .seconds(3600)
        try await withListener(patience, routes: slow) { patient in
            try await withListener(routes: slow) { server in
                async let finished = curl(patient.url("/slow"))
                async let cut = curl(server.url("/slow"))
                var iterator = starts.makeAsyncIterator()
                for _ in 0..<2 { _ = await iterator.next() }
                // Whichever time counted that is not the configured one, this one would be over first.
                await patient.group.triggerGracefulShutdown()
                await server.group.triggerGracefulShutdown()
                let early = try await cut
                #expect(early.exitCode == 18)
                #expect(early.text == "01234")
                release.fire()
                let late = try await finished
                #expect(late.exitCode == 0)
                #expect(late.text == "0123456789")
            }
        }
    }

    @Test func aSuspendedHandlerSeesTheShutdown() async throws {
        let (starts, start) = AsyncStream<Void>.makeStream()
        var configuration = ListenerConfiguration.local()
        configuration.drain = .seconds(60)
        try await withListener(configuration) {
            $0.get("poll") { _, _ in
                start.yield()
                try await gracefulShutdown()
                return Response.text("restart")
            }
        } _: { server in
            async let response = curl(server.url("/poll"), "--write-out", "%{stderr}%header{connection}")
            _ = await starts.first { _ in true }
            await server.group.triggerGracefulShutdown()
            let result = try await response
            #expect(result.text == "restart")
            #expect(result.errors == "close")
        }
    }

    @Test func clientsThatArriveDuringTheShutdownDoNoHarm() async throws {
        for _ in 0..<30 {
            try await withListener(routes: ListenerTests.hello) { server in
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<4 {
                        group.addTask {
                            for _ in 0..<25 { _ = try? RawClient(port: server.port) }
                        }
                    }
                    await server.group.triggerGracefulShutdown()
                }
            }
        }
    }

    @Test func cancellationClosesAtOnce() async throws {
        let listener = HTTPListener(
            name: "test",
            configuration: .local(),
            responder: Router(context: ServiceRequestContext.self).buildResponder(),
            logger: quietLogger
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await listener.run() }
            let client = try RawClient(port: try await listener.bound().port ?? 0)
            group.cancelAll()
            do {
                let isEmpty = try await client.readToEnd().isEmpty
                #expect(isEmpty)
            } catch let error as RawClient.Failure {
                // A connection that was not accepted yet is reset, not closed.
                #expect(error.number == ECONNRESET)
            }
            try await group.waitForAll()
        }
    }
}
