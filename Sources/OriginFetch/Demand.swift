import CacheStore
package import Content
import Synchronization

/// What is wanted of one content on this node: all of it, or only what readers ask for.
package final class Demand: Sendable {
    private struct State {
        var isWhole: Bool
        /// What readers ask for, by their tickets.
        var ranges: [UInt64: ByteRange] = [:]
        /// Counts the changes.
        var version: UInt64 = 0
        var tickets: UInt64 = 0
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]

        mutating func takeTicket() -> UInt64 {
            tickets += 1
            return tickets
        }
    }

    private let state: Mutex<State>

    /// Of the whole content, or of nothing yet.
    package init(whole: Bool) { state = Mutex(State(isWhole: whole)) }

    package var isWhole: Bool { state.withLock { $0.isWhole } }

    /// Another number after each change.
    package var version: UInt64 { state.withLock { $0.version } }

    /// Somebody wants all of it: from now on that is what is wanted.
    package func wantAll() { change { $0.isWhole = true } }

    /// A reader asks for some bytes, until ``remove(_:)``.
    package func add(_ range: ByteRange) -> UInt64 {
        let ticket = state.withLock { $0.takeTicket() }
        change { $0.ranges[ticket] = range }
        return ticket
    }

    package func remove(_ ticket: UInt64) { change { $0.ranges[ticket] = nil } }

    /// The pieces that hold what is wanted; nil: all.
    package func pieces(of layout: PieceLayout) -> PieceSet? {
        let ranges = state.withLock { $0.isWhole ? nil : Array($0.ranges.values) }
        guard let ranges else { return nil }
        var pieces = PieceSet()
        for range in ranges {
            let part = layout.length.map { range.intersection(ByteRange(length: $0)) } ?? range
            for piece in layout.pieces(touching: part) { pieces.insert(PieceIndex(piece)) }
        }
        return pieces
    }

    /// Returns when the version is another than `version`, or the task is cancelled.
    package func change(since version: UInt64) async {
        let ticket = state.withLock { $0.takeTicket() }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waits = state.withLock { state -> Bool in
                    guard state.version == version, !Task.isCancelled else { return false }
                    state.waiters[ticket] = continuation
                    return true
                }
                if !waits { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: ticket) }?.resume()
        }
    }

    /// Waits until something is wanted that the file does not have; false where the task is cancelled.
    func wantsMore(than file: PieceFile) async -> Bool {
        while !Task.isCancelled {
            let version = version
            guard let wanted = pieces(of: file.layout), wanted.subtracting(file.committed).isEmpty else { return true }
            await change(since: version)
        }
        return false
    }

    private func change(_ body: (inout State) -> Void) {
        let waiters = state.withLock { state in
            body(&state)
            state.version += 1
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume() }
    }
}
