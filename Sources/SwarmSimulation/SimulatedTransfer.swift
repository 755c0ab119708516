/// A piece on its way to a child.
struct SimulatedTransfer: Sendable {
    enum Phase: UInt8, Sendable {
        /// The place is free.
        case vacant
        /// Handed out; no answer has carried it yet.
        case pending
        /// In an answer.
        case answered
        /// The request is on its way to the parent.
        case requested
        /// The request waits at the parent.
        case inLine
        /// The body is being sent.
        case active
        /// It has been sent, and is to be hashed.
        case arriving
        /// The parent is dead, and the child waits.
        case hanging
    }

    var child: Int32
    var task: Int32
    var piece: Int32
    var parents: (Int32, Int32, Int32)
    var reasons: (SimulatedFailure, SimulatedFailure, SimulatedFailure) = (.gone, .gone, .gone)
    /// Which of the parents is being asked.
    var attempt = 0
    var phase: Phase
    var flow: Int32 = -1
    /// When its request came to the parent, its body began, and its last byte was sent.
    var lined: Int64 = 0
    var begun: Int64 = 0
    var ended: Int64 = 0
    /// Whether the supernode has been told that its end is near.
    var isDiscounted = false
    var serial: UInt32
    /// Changes with every plan, so that older events are void.
    var version: UInt32 = 0

    var parent: Int { Int(parent(attempt)) }

    func parent(_ attempt: Int) -> Int32 {
        switch attempt {
        case 0: parents.0
        case 1: parents.1
        case 2: parents.2
        default: -1
        }
    }

    func reason(_ attempt: Int) -> SimulatedFailure {
        switch attempt {
        case 0: reasons.0
        case 1: reasons.1
        default: reasons.2
        }
    }

    mutating func note(_ reason: SimulatedFailure) {
        switch attempt {
        case 0: reasons.0 = reason
        case 1: reasons.1 = reason
        default: reasons.2 = reason
        }
    }

    /// Whether the child knows of it.
    var isKnownToChild: Bool { phase.rawValue >= Phase.requested.rawValue }
}

/// A transfer, as long as its place has not been used again.
struct TransferReference: Sendable {
    let transfer: Int32
    let serial: UInt32
}

/// Why a piece did not come.
enum SimulatedFailure: UInt8, Sendable {
    case unreachable
    case timedOut
    case wrongBytes
    case gone
}
