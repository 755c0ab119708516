/// When a question is asked that many have at the same time, and who gets which answer.
///
/// A pure value. There is a line for each key as long as a worker looks after it: the owner starts one when ``enter(_:_:)``
/// says so, and it does what ``next(_:at:)`` says until that is the end.
package struct QuestionLines<Key: Hashable & Sendable>: Sendable {
    /// How often the same is asked, and how old an answer may be.
    package struct Pace: Sendable {
        /// The least time between the beginnings of two requests for one key.
        package let interval: Duration
        /// Whether who comes while a request is under way may have its answer; otherwise the request has to have begun
        /// after he came.
        package let joins: Bool

        /// One request at a time, for all that come while it is under way.
        package static var shared: Pace { Pace(interval: .zero, joins: true) }

        /// An answer is never older than the question, and yet a few requests a second are all there are.
        package static func strict(every interval: Duration) -> Pace { Pace(interval: interval, joins: false) }
    }

    private struct Line: Sendable {
        var waiting: Set<Int> = []
        /// Those who get the answer to the request under way.
        var asking: Set<Int> = []
        var isUnderWay = false
        /// Whether everybody has gone who wanted the answer to the request under way.
        var isAbandoned = false
        var lastStart: ContinuousClock.Instant?
    }

    /// What becomes of somebody who comes.
    package enum Entry: Equatable, Sendable {
        case waits
        /// He waits, and a worker is to be started.
        case begins
        /// There are as many lines as there may be.
        case full
    }

    /// What a worker does next.
    package enum Step: Equatable, Sendable {
        /// Make a request, and then ``finish(_:)``.
        case ask
        /// Look again then.
        case pause(until: ContinuousClock.Instant)
        /// The line is gone, and so is the worker.
        case end
    }

    private let pace: Pace
    private let most: Int
    private var lines: [Key: Line] = [:]

    /// `most`: so many keys at a time.
    package init(_ pace: Pace, most: Int) {
        self.pace = pace
        self.most = most
    }

    package var count: Int { lines.count }

    /// Somebody wants to know.
    package mutating func enter(_ key: Key, _ ticket: Int) -> Entry {
        guard var line = lines[key] else {
            guard lines.count < most else { return .full }
            lines[key] = Line(waiting: [ticket])
            return .begins
        }
        if pace.joins, line.isUnderWay, !line.isAbandoned {
            line.asking.insert(ticket)
        } else {
            line.waiting.insert(ticket)
        }
        lines[key] = line
        return .waits
    }

    package mutating func next(_ key: Key, at now: ContinuousClock.Instant) -> Step {
        guard var line = lines[key] else { return .end }
        // A line stays for as long as the next request has to wait: so who comes then does.
        if let due = line.lastStart.map({ $0 + pace.interval }), now < due { return .pause(until: due) }
        guard !line.waiting.isEmpty else {
            lines[key] = nil
            return .end
        }
        line.asking = line.waiting
        line.waiting = []
        line.isUnderWay = true
        line.isAbandoned = false
        line.lastStart = now
        lines[key] = line
        return .ask
    }

    /// The request is answered.
    ///
    /// Returns whom its answer is for.
    package mutating func finish(_ key: Key) -> Set<Int> {
        guard var line = lines[key] else { return [] }
        let answered = line.asking
        line.asking = []
        line.isUnderWay = false
        lines[key] = line
        return answered
    }

    /// Somebody does not want to know any longer.
    ///
    /// Returns whether nobody waits for the answer to the request under way.
    package mutating func leave(_ key: Key, _ ticket: Int) -> Bool {
        guard var line = lines[key] else { return false }
        line.waiting.remove(ticket)
        line.asking.remove(ticket)
        let isAbandoned = line.isUnderWay && line.asking.isEmpty
        let isNew = isAbandoned && !line.isAbandoned
        line.isAbandoned = isAbandoned
        lines[key] = line
        return isNew
    }

    /// There is no worker any longer.
    ///
    /// Returns who still waits.
    package mutating func end(_ key: Key) -> Set<Int> {
        guard let line = lines.removeValue(forKey: key) else { return [] }
        return line.waiting.union(line.asking)
    }
}
