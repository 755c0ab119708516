import Synchronization

/// The peers whose calls wait, by when they have waited long enough: only those are looked at whose time has come.
final class WaitingCalls: Sendable {
    private struct State {
        /// By periods since the start.
        var due: [Int: [Look]] = [:]
        var first = 0
    }

    private struct Look {
        let session: PeerSession
        let deadline: ContinuousClock.Instant
    }

    private static let period = Duration.milliseconds(250)
    private let start: ContinuousClock.Instant
    private let state = Mutex(State())

    init(since start: ContinuousClock.Instant) { self.start = start }

    /// The call of a peer that waits from now on is to end at `deadline`.
    func add(_ session: PeerSession, until deadline: ContinuousClock.Instant) {
        guard session.watch(until: deadline) else { return }
        insert(session, deadline)
    }

    private func insert(_ session: PeerSession, _ deadline: ContinuousClock.Instant) {
        state.withLock { state in
            let number = max(state.first, number(of: deadline))
            state.due[number, default: []].append(Look(session: session, deadline: deadline))
        }
    }

    /// Ends the calls that have waited long enough.
    func end(at now: ContinuousClock.Instant) {
        let looks = state.withLock { state in
            let last = number(of: now)
            var looks: [Look] = []
            while state.first <= last {
                looks += state.due.removeValue(forKey: state.first) ?? []
                state.first += 1
            }
            // The last period is not over yet.
            state.first = last
            return looks
        }
        for look in looks {
            if let deadline = look.session.expireWait(look.deadline, at: now) { insert(look.session, deadline) }
        }
    }

    private func number(of time: ContinuousClock.Instant) -> Int { max(0, Int((time - start) / Self.period)) }
}
