import BackendAPI
import Content
import Foundation
import Synchronization
import TestSupport

/// Pauses at every call until another thread resumes it; checks that nothing is delivered meanwhile.
final class PausingSink: ContentSink {
    private struct State {
        var bytes: [UInt8] = []
        var hasPaused = false
        var pauses = 0
        var isWaiting = false
        var calledWhileWaiting = false
    }

    private let state = Mutex(State())

    var bytes: [UInt8] { state.withLock { $0.bytes } }
    var pauses: Int { state.withLock { $0.pauses } }
    var calledWhileWaiting: Bool { state.withLock { $0.calledWhileWaiting } }

    func begin(_ head: ContentHead) throws {}

    func receive(_ bytes: UnsafeRawBufferPointer, flow: any FlowControl) throws -> SinkResult {
        let pauses = state.withLock { state in
            if state.isWaiting { state.calledWhileWaiting = true }
            if state.hasPaused {
                state.bytes.append(contentsOf: bytes)
                state.hasPaused = false
                return false
            }
            state.hasPaused = true
            state.isWaiting = true
            state.pauses += 1
            return true
        }
        guard pauses else { return .consumed }
        Thread.detachNewThread {
            self.state.withLock { $0.isWaiting = false }
            flow.resume()
        }
        return .paused
    }
}

/// Pauses for good at the first bytes, and says so.
final class StuckSink: ContentSink {
    let isStuck = TestEvent()

    func begin(_ head: ContentHead) throws {}

    func receive(_ bytes: UnsafeRawBufferPointer, flow: any FlowControl) throws -> SinkResult {
        isStuck.fire()
        return .paused
    }
}

/// Throws at the head or after some bytes, and counts the calls.
final class ThrowingSink: ContentSink {
    struct Refusal: Error, Equatable {}

    private let allows: Int?
    private let state = Mutex((received: 0, callsAfterThrow: 0, hasThrown: false))

    /// Takes so many bytes; nil: not even a head.
    init(after bytes: Int?) { allows = bytes }

    var callsAfterThrow: Int { state.withLock { $0.callsAfterThrow } }

    func begin(_ head: ContentHead) throws { if allows == nil { try refuse() } }

    func receive(_ bytes: UnsafeRawBufferPointer, flow: any FlowControl) throws -> SinkResult {
        let isEnough = state.withLock { state in
            if state.hasThrown { state.callsAfterThrow += 1 }
            state.received += bytes.count
            return state.received > allows ?? 0
        }
        if isEnough { try refuse() }
        return .consumed
    }

    private func refuse() throws {
        state.withLock { $0.hasThrown = true }
        throw Refusal()
    }
}

/// The error that `body` throws; nil if it throws none.
func failure(_ body: () async throws(BackendError) -> Void) async -> BackendError? {
    do throws(BackendError) {
        try await body()
        return nil
    } catch {
        return error
    }
}
