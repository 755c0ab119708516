import Content
import Synchronization

/// A run of bytes being fetched, and how far it has come.
///
/// Shared by the requests that fetch it one after the other.
final class Segment: Sendable {
    private struct State {
        var range: ByteRange?
        var start: Int64
        var position: Int64
    }

    private let state: Mutex<State>

    /// The segment to fetch; nil stands for everything from 0 to an end that is not known yet.
    init(range: ByteRange?) {
        state = Mutex(State(range: range, start: range?.offset ?? 0, position: range?.offset ?? 0))
    }

    /// Where the next byte goes.
    var position: Int64 { state.withLock { $0.position } }
    /// The first byte of the segment.
    var start: Int64 { state.withLock { $0.start } }
    /// What is still missing; nil where the end is not known.
    var rest: ByteRange? { state.withLock { state in state.range.map { ByteRange(state.position..<$0.end) } } }

    /// The response brings these bytes of content that has `length`; nil: everything that there is, whatever was asked for.
    ///
    /// An origin may grant less than was asked for: the rest stays to be asked for.
    func limit(to granted: ByteRange?, length: Int64?) {
        state.withLock { state in
            guard let granted else {
                state.range = nil
                return
            }
            let asked = min(state.range?.end ?? .max, length ?? granted.end)
            state.range = ByteRange(state.start..<max(state.position, granted.end, asked))
        }
    }

    /// Bytes have been written; returns where they began.
    func advance(by count: Int) -> Int64 {
        state.withLock { state in
            defer { state.position += Int64(count) }
            return state.position
        }
    }

    /// Starts over, for an origin that can not continue.
    func rewind() {
        state.withLock { state in
            state.position = 0
            state.start = 0
            state.range = nil
        }
    }

    /// Starts over at the beginning of the piece that holds the next byte.
    func rewind(to offset: Int64) {
        state.withLock { $0.position = max($0.start, offset) }
    }
}
