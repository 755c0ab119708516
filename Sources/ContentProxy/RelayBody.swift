import Content
import CurlTransport
import HTTPTypes
import NIOCore
import Synchronization

/// Hands a client's request body to the transport, no faster than the upstream takes it.
final class RelayBody: RequestBodySource, Sendable {
    private struct State {
        var buffer = ByteBuffer()
        var isEnded = false
        var trailers = HeaderFields()
        var isBroken = false
        var control: TransferControl?
        var waiter: CheckedContinuation<Void, Never>?
    }

    /// The client's own body is none, or has no end.
    struct BrokenBody: Error {}

    private let state = Mutex(State())

    func read(into target: UnsafeMutableRawBufferPointer, control: TransferControl) throws -> BodyReadResult {
        let (result, waiter) = try state.withLock { state -> (BodyReadResult, CheckedContinuation<Void, Never>?) in
            if state.isBroken { throw BrokenBody() }
            let count = min(target.count, state.buffer.readableBytes)
            guard count > 0 else {
                if state.isEnded { return (.end, nil) }
                state.control = control
                return (.paused, state.waiter.take())
            }
            state.buffer.readWithUnsafeReadableBytes { bytes in
                target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
                return count
            }
            return (.bytes(count), state.buffer.readableBytes == 0 ? state.waiter.take() : nil)
        }
        waiter?.resume()
        return result
    }

    func trailers() -> HeaderFields { state.withLock { $0.trailers } }

    /// Takes the body in, part by part, and what stands behind it.
    func pump(
        _ body: some AsyncSequence<ByteBuffer, any Error> & Sendable,
        trailers: @Sendable () async -> HTTPFields? = { nil }
    ) async {
        do {
            for try await buffer in body where buffer.readableBytes > 0 {
                offer { $0.buffer = buffer }
                await drained()
            }
            let fields = HeaderFields((await trailers() ?? [:]).map { ($0.name.rawName, $0.value) })
            offer { state in
                state.trailers = fields
                state.isEnded = true
            }
        } catch {
            offer { $0.isBroken = true }
        }
    }

    private func offer(_ change: (inout State) -> Void) {
        let control = state.withLock { state in
            change(&state)
            return state.control.take()
        }
        control?.resume()
    }

    private func drained() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waits = state.withLock { state -> Bool in
                    guard state.buffer.readableBytes > 0, !Task.isCancelled else { return false }
                    state.waiter = continuation
                    return true
                }
                if !waits { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiter.take() }?.resume()
        }
    }
}
