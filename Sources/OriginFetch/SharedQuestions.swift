import Synchronization

/// Asks once for all who want to know the same at the same time.
///
/// A question is nobody's own: it runs beside those who wait for the answer, and ends early only when they have all gone.
package final class SharedQuestions<Key: Hashable & Sendable, Answer: Sendable>: Sendable {
    /// Makes the request.
    ///
    /// `begun` is to be called when it no longer waits for its turn.
    package typealias Ask = @Sendable (_ begun: @escaping @Sendable () -> Void) async -> Answer

    /// What becomes of a question.
    package enum Outcome: Sendable {
        case answer(Answer)
        /// It has waited for its turn for too long.
        case overdue
        /// There are too many different ones already.
        case full
        /// The caller has been cancelled, or this process is shutting down.
        case cancelled
    }

    private struct Request {
        let since: ContinuousClock.Instant
        let cancellation = Cancellation()
        var hasBegun = false
        var isOverdue = false
    }

    private struct State {
        var lines: QuestionLines<Key>
        var asks: [Key: Ask] = [:]
        var requests: [Key: Request] = [:]
        var waiters: [Int: CheckedContinuation<Outcome, Never>] = [:]
        var lastTicket = 0

        mutating func take(_ tickets: Set<Int>) -> [CheckedContinuation<Outcome, Never>] {
            tickets.compactMap { waiters.removeValue(forKey: $0) }
        }
    }

    private let jobs: BackgroundJobs
    private let now: @Sendable () -> ContinuousClock.Instant
    private let state: Mutex<State>

    /// `most`: so many different questions at a time.
    ///
    /// `jobs` runs the requests.
    ///
    /// `now`: the time by which questions wait for their turn; the pace is kept by the machine's clock.
    package init(
        _ pace: QuestionLines<Key>.Pace,
        most: Int,
        jobs: BackgroundJobs,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        self.jobs = jobs
        self.now = now
        state = Mutex(State(lines: QuestionLines(pace, most: most)))
    }

    /// How many requests wait for their turn.
    package var queued: Int { state.withLock { $0.requests.values.count(where: { !$0.hasBegun }) } }

    /// How many wait for an answer.
    package var waiting: Int { state.withLock { $0.waiters.count } }

    /// The answer to `ask`, or to somebody else's request for the same key.
    package func answer(_ key: Key, _ ask: @escaping Ask) async -> Outcome {
        let ticket = state.withLock { state in
            state.lastTicket += 1
            return state.lastTicket
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (outcome, begins) = state.withLock { state -> (Outcome?, Bool) in
                    if Task.isCancelled { return (.cancelled, false) }
                    let entry = state.lines.enter(key, ticket)
                    guard entry != .full else { return (.full, false) }
                    state.asks[key] = ask
                    state.waiters[ticket] = continuation
                    return (nil, entry == .begins)
                }
                if let outcome { continuation.resume(returning: outcome) }
                if begins, !jobs.submit({ await self.work(key) }) { end(key) }
            }
        } onCancel: {
            leave(key, ticket)
        }
    }

    /// Gives up what has waited for its turn for longer than `patience`.
    package func giveUpQueued(at now: ContinuousClock.Instant, after patience: Duration) {
        let overdue = state.withLock { state -> [Cancellation] in
            let keys = state.requests.filter { !$0.value.hasBegun && $0.value.since.duration(to: now) > patience }.keys
            return keys.compactMap { key in
                state.requests[key]?.isOverdue = true
                return state.requests[key]?.cancellation
            }
        }
        for cancellation in overdue { cancellation.cancel() }
    }

    private func leave(_ key: Key, _ ticket: Int) {
        let (waiter, abandoned) = state.withLock { state in
            let isAbandoned = state.lines.leave(key, ticket)
            return (state.waiters.removeValue(forKey: ticket), isAbandoned ? state.requests[key]?.cancellation : nil)
        }
        waiter?.resume(returning: .cancelled)
        abandoned?.cancel()
    }
}

// MARK: - The worker of a key

extension SharedQuestions {
    private enum Work {
        case ask(Ask, Cancellation)
        case pause(until: ContinuousClock.Instant)
    }

    private func work(_ key: Key) async {
        while let work = nextWork(key) {
            switch work {
            case .pause(let until): try? await Task.sleep(until: until, clock: .continuous)
            case .ask(let ask, let cancellation):
                let answer = await cancellation.run { await ask { self.begun(key) } }
                if !Task.isCancelled { finish(key, answer) }
            }
            if Task.isCancelled { end(key) }
        }
    }

    private func nextWork(_ key: Key) -> Work? {
        state.withLock { state in
            switch state.lines.next(key, at: .now) {
            case .pause(let until): return .pause(until: until)
            case .ask:
                guard let ask = state.asks[key] else { return nil }
                let request = Request(since: now())
                state.requests[key] = request
                return .ask(ask, request.cancellation)
            case .end:
                state.asks[key] = nil
                return nil
            }
        }
    }

    private func begun(_ key: Key) { state.withLock { $0.requests[key]?.hasBegun = true } }

    private func finish(_ key: Key, _ answer: Answer?) {
        let (waiters, outcome) = state.withLock { state -> ([CheckedContinuation<Outcome, Never>], Outcome) in
            let isOverdue = state.requests.removeValue(forKey: key)?.isOverdue ?? false
            let outcome: Outcome = if isOverdue { .overdue } else if let answer { .answer(answer) } else { .cancelled }
            return (state.take(state.lines.finish(key)), outcome)
        }
        for waiter in waiters { waiter.resume(returning: outcome) }
    }

    /// Nothing is asked any longer.
    private func end(_ key: Key) {
        let waiters = state.withLock { state in
            state.asks[key] = nil
            state.requests[key] = nil
            return state.take(state.lines.end(key))
        }
        for waiter in waiters { waiter.resume(returning: .cancelled) }
    }
}
