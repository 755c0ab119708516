import OriginFetch
import Synchronization

@testable import SupernodeService

/// The date in a swarm: the machine's, until a test sets it forward.
final class WallTime: Sendable {
    private struct State {
        var offset = 0.0
        var jump: Double?
    }

    private let state = Mutex(State())

    /// Seconds since 1970.
    var date: Double { UnixTime.now() + state.withLock { $0.offset } }

    /// The date that tickets are checked against.
    var checked: Double {
        state.withLock { state in
            if let jump = state.jump.take() { state.offset += jump }
        }
        return date
    }

    /// The date of a supernode; what ends within the process goes on as ever.
    var clock: SupernodeClock { SupernodeClock(now: { .now }, date: { self.date }) }

    /// So many seconds pass.
    func pass(_ seconds: Double) { state.withLock { $0.offset += seconds } }

    /// So many seconds pass right before the next ticket is checked.
    func passBeforeTheNextTicket(_ seconds: Double) { state.withLock { $0.jump = seconds } }

    /// Whether they have not passed yet.
    var waitsForATicket: Bool { state.withLock { $0.jump != nil } }
}
