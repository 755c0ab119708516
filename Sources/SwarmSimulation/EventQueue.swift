/// What happens at one moment of the virtual clock.
struct Event: Sendable {
    enum Kind: UInt8, Sendable {
        /// A host arrives and registers for its tasks.
        case join
        /// A host dies without a word.
        case late
        case death
        /// The supernode gives a dead host up.
        case forget
        /// The supernode has got one more piece from the origin.
        case origin
        /// A peer's call reaches the supernode.
        case call
        /// The supernode takes in what a call says, and decides.
        case apply
        /// The supernode's answer reaches the peer.
        case answer
        /// A request for a piece reaches its parent.
        case request
        /// A body should have begun by now.
        ///
        /// A body's end is near.
        case nearEnd
        /// The last byte of a body has been sent.
        case sent
        /// A piece has arrived and been hashed.
        case arrived
        /// A child has learnt that a parent will not serve.
        case refused
        /// A transfer has stood still for too long.
        case stalled
        /// The supernode looks for what has become slow.
        case tick
    }

    /// Nanoseconds since the start.
    var time: Int64
    /// Of two events at one time the one that was planned first comes first.
    var order: UInt32
    var kind: Kind
    var subject: Int32
    /// The subject's state that the event was planned for; another one makes it void.
    var version: UInt32

    fileprivate func precedes(_ other: Event) -> Bool {
        time != other.time ? time < other.time : order &- other.order > .max / 2
    }
}

/// The events to come, earliest first: a heap of four children a node.
struct EventQueue: Sendable {
    private var events: [Event] = []
    private var planned: UInt32 = 0

    var isEmpty: Bool { events.isEmpty }
    var count: Int { events.count }

    mutating func plan(_ kind: Event.Kind, at time: Int64, _ subject: Int, version: UInt32 = 0) {
        planned &+= 1
        let event = Event(time: time, order: planned, kind: kind, subject: Int32(subject), version: version)
        events.append(event)
        events.withUnsafeMutableBufferPointer { events in
            var child = events.count - 1
            while child > 0 {
                let parent = (child - 1) / 4
                guard event.precedes(events[parent]) else { break }
                events[child] = events[parent]
                child = parent
            }
            events[child] = event
        }
    }

    mutating func next() -> Event? {
        guard let first = events.first, let last = events.popLast() else { return nil }
        guard !events.isEmpty else { return first }
        events.withUnsafeMutableBufferPointer { events in
            var parent = 0
            while true {
                let start = 4 * parent + 1
                guard start < events.count else { break }
                var least = start
                for child in (start + 1)..<max(start + 1, min(start + 4, events.count))
                where events[child].precedes(events[least]) { least = child }
                guard events[least].precedes(last) else { break }
                events[parent] = events[least]
                parent = least
            }
            events[parent] = last
        }
        return first
    }
}
