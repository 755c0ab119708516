package import BackendAPI
internal import Content
internal import Synchronization

/// An origin in memory that can be held in the middle of a body, and may give each user content of his own.
package final class PausingOrigin: Backend {
    /// Where a body is held, whichever range of it was asked for.
    package struct Pause: Sendable {
        /// No byte from here on goes out before ``release``.
        let offset: Int64
        /// Somebody has come so far.
        package let reached = TestEvent()
        /// Lets the rest out.
        package let release = TestEvent()
        /// Has the body break off instead.
        package let breaks = TestEvent()
    }

    private struct State {
        var users: [String: MemoryBackend] = [:]
        var pause: Pause?
    }

    /// What is there for everybody, as long as there are no users.
    package let memory = MemoryBackend()
    private let state = Mutex(State())

    package init() {}

    package var capabilities: BackendCapabilities { memory.capabilities }

    /// From now on only users get anything: those that send `Authorization: name`.
    package func user(_ name: String) -> MemoryBackend {
        state.withLock { state in
            if let known = state.users[name] { return known }
            let own = MemoryBackend()
            state.users[name] = own
            return own
        }
    }

    /// Holds bodies at `offset` from now on.
    package func pause(at offset: Int64) -> Pause {
        let pause = Pause(offset: offset)
        state.withLock { $0.pause = pause }
        return pause
    }

    package func head(_ request: OriginRequest) async throws(BackendError) -> ContentHead {
        let (backend, request) = try backend(for: request)
        return try await backend.head(request)
    }

    package func fetch(_ request: OriginRequest, into sink: any ContentSink) async throws(BackendError) {
        let (backend, request) = try backend(for: request)
        guard let pause = state.withLock({ $0.pause }) else { return try await backend.fetch(request, into: sink) }
        let held = PausingSink(sink, pause)
        let result = await withTaskGroup(of: Result<Void, BackendError>?.self) { group in
            group.addTask {
                do throws(BackendError) {
                    return .success(try await backend.fetch(request, into: held))
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                await pause.release.wait()
                held.goOn()
                return nil
            }
            group.addTask {
                await pause.breaks.wait()
                return pause.breaks.hasFired ? .failure(BackendError(.closedEarly, "broken off")) : nil
            }
            var end: Result<Void, BackendError>?
            for await result in group {
                guard let result else { continue }
                end = end ?? result
                group.cancelAll()
            }
            return end
        }
        try result?.get()
    }

    private func backend(for request: OriginRequest) throws(BackendError) -> (MemoryBackend, OriginRequest) {
        let users = state.withLock { $0.users }
        guard !users.isEmpty else { return (memory, request) }
        guard let name = request.credentials.headers["Authorization"] else {
            throw BackendError(.unauthorized, "no user", challenges: ["Basic realm=\"memory\""], status: 401)
        }
        guard let own = users[name] else { throw BackendError(.forbidden, "no such user", status: 403) }
        var request = request
        request.credentials = Credentials()
        return (own, request)
    }
}

private final class PausingSink: ContentSink {
    private struct State {
        var position: Int64 = 0
        var flow: (any FlowControl)?
    }

    private let sink: any ContentSink
    private let pause: PausingOrigin.Pause
    private let state = Mutex(State())

    init(_ sink: any ContentSink, _ pause: PausingOrigin.Pause) {
        self.sink = sink
        self.pause = pause
    }

    func begin(_ head: ContentHead) throws {
        state.withLock { $0.position = head.range?.offset ?? 0 }
        try sink.begin(head)
    }

    func receive(_ bytes: UnsafeRawBufferPointer, flow: any FlowControl) throws -> SinkResult {
        let end = state.withLock { state in
            state.flow = flow
            return state.position + Int64(bytes.count)
        }
        if end > pause.offset {
            pause.reached.fire()
            if !pause.release.hasFired { return .paused }
        }
        let result = try sink.receive(bytes, flow: flow)
        if result == .consumed { state.withLock { $0.position = end } }
        return result
    }

    func goOn() { state.withLock { $0.flow }?.resume() }
}
