import BackendAPI
import Content
import Synchronization
import Testing

func url(_ text: String) throws -> ResourceURL { try #require(ResourceURL(text)) }

func request(_ text: String, range: OriginRange? = nil, condition: Condition? = nil) throws -> OriginRequest {
    OriginRequest(resource: Resource(url: try url(text)), range: range, condition: condition)
}

/// The error that `body` throws.
func failure(_ body: () async throws(BackendError) -> Void) async throws -> BackendError {
    do throws(BackendError) {
        try await body()
    } catch {
        return error
    }
    Issue.record("no error")
    throw BackendError(.unsupported, "no error")
}

/// Does what its closures say.
final class ScriptedSink: ContentSink {
    private let onBegin: @Sendable (ContentHead) throws -> Void
    private let onReceive: @Sendable ([UInt8], any FlowControl) throws -> SinkResult

    init(
        begin: @escaping @Sendable (ContentHead) throws -> Void = { _ in },
        receive: @escaping @Sendable ([UInt8], any FlowControl) throws -> SinkResult = { _, _ in .consumed }
    ) {
        onBegin = begin
        onReceive = receive
    }

    func begin(_ head: ContentHead) throws { try onBegin(head) }
    func receive(_ bytes: UnsafeRawBufferPointer, flow: any FlowControl) throws -> SinkResult {
        try onReceive(Array(bytes), flow)
    }
}

/// A clock whose sleeps end at once and are written down.
final class RecordingClock: Clock {
    struct Instant: InstantProtocol {
        var offset: Duration
        func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        func duration(to other: Instant) -> Duration { other.offset - offset }
        static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
    }

    private let state = Mutex<(now: Duration, sleeps: [Duration])>((.zero, []))
    var now: Instant { Instant(offset: state.withLock { $0.now }) }
    var sleeps: [Duration] { state.withLock { $0.sleeps } }
    let minimumResolution: Duration = .nanoseconds(1)

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        try Task.checkCancellation()
        state.withLock { state in
            state.sleeps.append(deadline.offset - state.now)
            state.now = deadline.offset
        }
    }
}
