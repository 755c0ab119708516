import Content
import Foundation
import Synchronization
import TestSupport
import Testing
import WireAPI

/// What one client can ask of a supernode at once.
@Suite(.serialized, .timeLimit(.minutes(2))) struct ManyTasksTests {
    private let client = Client()

    /// Counts the requests that are being answered, and lets each go when told.
    private final class SlowOrigin: Sendable {
        private let state = Mutex((arrived: [TestEvent](), open: 0, most: 0))

        func answer(_ request: ScriptedRequest) -> Script {
            let event = TestEvent()
            state.withLock { state in
                state.arrived.append(event)
                state.open += 1
                state.most = max(state.most, state.open)
            }
            let head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"\(request.path)\"\r\n\r\n"
            return .wait(event).raw(head.utf8).body(Array("bytes".utf8))
        }

        var arrived: Int { state.withLock { $0.arrived.count } }
        var most: Int { state.withLock { $0.most } }

        /// Lets the next answer out; false if there is none.
        func release(_ number: Int) -> Bool {
            let event = state.withLock { state -> TestEvent? in
                guard number < state.arrived.count else { return nil }
                state.open -= 1
                return state.arrived[number]
            }
            event?.fire()
            return event != nil
        }
    }

    @Test("A hundred tasks registered at once reach the origin so many at a time as configured, and all are fetched")
    func manyTasks() async throws {
        let origin = SlowOrigin()
        try await withTemporaryDirectory { directory in
            try await withScriptedServer { request in
                origin.answer(request)
            } body: { server in
                let configuration = Configurations.supernode(home: "\(directory)/home")
                    .replacing("origin: {", with: "origin: {tasks: 5, parallel: 4, ")
                try await withSupernode(configuration, in: directory) { supernode in
                    let peer = try await FakePeer.register(at: supernode, port: 1)
                    try await withThrowingTaskGroup(of: Int.self) { group in
                        for number in 0..<100 {
                            group.addTask { try await peer.join(url: server.url("/\(number)"), digest: nil).status }
                        }
                        for number in 0..<100 {
                            while !origin.release(number), !Task.isCancelled { await Task.yield() }
                        }
                        for try await status in group { #expect(status == 200) }
                    }
                    #expect(origin.arrived == 100)
                    #expect(origin.most == 5)
                }
            }
        }
    }

    @Test(
        "So many requests run at once to one origin, whoever wants what, and another origin's content comes meanwhile"
    )
    func hosts() async throws {
        let (busy, other) = (SlowOrigin(), SlowOrigin())
        try await withTemporaryDirectory { directory in
            try await withScriptedServer { request in
                busy.answer(request)
            } body: { first in
                try await withScriptedServer { request in
                    other.answer(request)
                } body: { second in
                    let configuration = Configurations.supernode(home: "\(directory)/home")
                        .replacing("origin: {", with: "origin: {tasks: 3, host_limit: {connections: 2}, ")
                    try await withSupernode(configuration, in: directory) { supernode in
                        let peer = try await FakePeer.register(at: supernode, port: 1)
                        try await withThrowingTaskGroup(of: Int.self) { group in
                            for number in 0..<8 {
                                group.addTask { try await peer.join(url: first.url("/\(number)"), digest: nil).status }
                            }
                            while busy.arrived < 2, !Task.isCancelled { await Task.yield() }
                            for number in 0..<4 {
                                async let joined = peer.join(url: second.url("/\(number)"), digest: nil).status
                                while !other.release(number), !Task.isCancelled { await Task.yield() }
                                #expect(try await joined == 200)
                            }
                            #expect(busy.arrived == 2)
                            for number in 0..<8 {
                                while !busy.release(number), !Task.isCancelled { await Task.yield() }
                            }
                            for try await status in group { #expect(status == 200) }
                        }
                        #expect(busy.arrived == 8)
                        #expect(busy.most == 2)
                    }
                }
            }
        }
    }

    @Test("Bodies that are longer than any honest one are refused before they are read")
    func longBodies() async throws {
        try await withTemporaryDirectory { directory in
            try await withSupernode(Configurations.supernode(home: "\(directory)/home"), in: directory) { supernode in
                let peer = try await FakePeer.register(at: supernode, port: 1)
                let headers: HeaderFields = ["Authorization": "Bearer \(peer.registration.key)"]
                let id = peer.registration.peer
                for (path, limit) in [
                    (APIPath.peers, 64 << 10), (APIPath.tasks(of: id), 64 << 10), (APIPath.exchange(id), 4 << 20),
                ] {
                    let body = Array("{\"url\":\"\(String(repeating: "x", count: limit))\"}".utf8)
                    let answer = try await client.send("POST", "http://\(supernode.api)\(path)", headers, body: body)
                    #expect(answer.status == 413, "\(path): \(answer.text)")
                }
            }
        }
    }
}
