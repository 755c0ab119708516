/// Something to look at again at a given time.
struct Alarm: Sendable, Comparable {
    enum Matter: Sendable {
        /// A child of whose transfers one may have become slow.
        case transfers(child: Int, birth: Int)
        /// A parent's rest is over.
        case rest(parent: Int, birth: Int)
        /// A child may go back to a parent.
        case avoidance(child: Int, birth: Int)
    }

    let at: SchedulerInstant
    let matter: Matter

    static func < (left: Alarm, right: Alarm) -> Bool { left.at < right.at }
    static func == (left: Alarm, right: Alarm) -> Bool { left.at == right.at }
}
