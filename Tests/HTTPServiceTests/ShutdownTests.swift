import Foundation
import Glibc
import HTTPService
import Hummingbird
import ServiceLifecycle
import Testing

@Suite struct ShutdownTests {
    @Test func aHandlerIsCancelledWhenItsClientLeaves() async throws {
        let (events, event) = AsyncStream<String>.makeStream()
        try await withListener {
            $0.post("poll") { request, _ in
                _ = try await request.collect(limit: 100)
                event.yield("waiting")
                do {
                    try await Task.sleep(for: .seconds(60))
                } catch {
                    event.yield("cancelled")
                    throw error
                }
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
        try await withListener {
            $0.post("poll") { request, _ in
                _ = try await request.collect(limit: 100)
                try await Task.sleep(for: .milliseconds(20))
                return Response.text("event")
            }
        } _: { server in
            let result = try await curl(
                "--data",
                "x",
                server.url("/poll?[1-5]"),
                "--write-out",
                "%{stderr}%{num_connects} "
            )
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
            #expect(throws: RawClient.Failure.self) { _ = try RawClient(port: server.port) }
            end.yield()
            let result = try await response
            #expect(result.exitCode == 0)
            #expect(result.text == "0123456789")
        }
    }

    @Test func theDrainEndsSometime() async throws {
        let (starts, start) = AsyncStream<Void>.makeStream()
        let begin = ContinuousClock.now
        try await withListener {
            $0.get("slow") { _, _ in
                Response(
                    status: .ok,
                    body: .stream(length: 10) { stream in
                        try await stream.write(Array("01234".utf8))
                        start.yield()
                        try await Task.sleep(for: .seconds(60))
                    }
                )
            }
        } _: { server in
            async let response = curl(server.url("/slow"))
            _ = await starts.first { _ in true }
            await server.group.triggerGracefulShutdown()
            let result = try await response
            #expect(result.exitCode == 18)
            #expect(result.text == "01234")
        }
        #expect(begin.duration(to: .now) < .seconds(50))
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
