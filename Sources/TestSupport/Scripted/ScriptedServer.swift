import Synchronization

/// An HTTP/1.1 server on loopback whose every answer a test writes, well or badly; it records what it was asked.
package final class ScriptedServer: Sendable {
    /// Decides what is done with a request; may wait.
    package typealias Handler = @Sendable (ScriptedRequest) async -> Script

    private struct State {
        var requests: [ScriptedRequest] = []
        var connections = 0
        var awaited: [(count: Int, event: TestEvent)] = []
    }

    /// The address that it listens at.
    package let host: String
    /// The port that the system chose; 0 for a Unix socket.
    package let port: Int
    let handler: Handler
    private let state = Mutex(State())

    init(host: String, port: Int, handler: @escaping Handler) {
        self.host = host
        self.port = port
        self.handler = handler
    }

    /// `http://host:port` and the path.
    package func url(_ path: String = "/") -> String { "http://\(authority)\(path)" }

    /// `host:port`.
    package var authority: String { "\(host.contains(":") ? "[\(host)]" : host):\(port)" }

    /// The requests so far in the order in which they were complete.
    package var requests: [ScriptedRequest] { state.withLock { $0.requests } }

    /// How many connections were made.
    package var connections: Int { state.withLock { $0.connections } }

    /// Returns when there were so many requests, or the task is cancelled.
    package func waitForRequests(_ count: Int) async {
        let event = TestEvent()
        state.withLock { state in
            if state.requests.count >= count { return event.fire() }
            state.awaited.append((count, event))
        }
        await event.wait()
    }

    func openConnection() -> Int {
        state.withLock { state in
            state.connections += 1
            return state.connections
        }
    }

    /// Numbers and keeps a request.
    func record(_ request: ScriptedRequest) -> ScriptedRequest {
        state.withLock { state in
            var request = request
            request.number = state.requests.count + 1
            state.requests.append(request)
            for waiting in state.awaited where waiting.count <= state.requests.count { waiting.event.fire() }
            state.awaited.removeAll { $0.count <= state.requests.count }
            return request
        }
    }
}
