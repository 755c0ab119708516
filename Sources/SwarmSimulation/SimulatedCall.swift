/// What a host tells the supernode in one call.
struct SimulatedCall: Sendable {
    var host = 0
    var sequence: Int32 = 0
    var olderCall: Int32 = -1
    var reports: [Report] = []
    var items = 0

    struct Report: Sendable {
        var finished: [FinishedNews] = []
        var failed: [FailedNews] = []
        /// Pieces that will be there soon.
        var ending: [Int32] = []
        /// Pieces that have not begun to come in good time.
        var late: [Int32] = []
        var outstanding = 0
        var window = 0
    }
}

/// What the supernode tells a host.
struct SimulatedAnswer: Sendable {
    var host = 0
    var assigned: [TransferReference] = []
    var cancelled: [TransferReference] = []
}

/// A piece that came, and from whom.
struct FinishedNews: Sendable {
    let piece: Int32
    /// Negative: the host had it already.
    let parent: Int32
    /// How long its body took and its request waited in line, in nanoseconds.
    var body: Int64 = 0
    var queued: Int64 = 0
}

/// A piece that did not come.
struct FailedNews: Sendable {
    let piece: Int32
    let parent: Int32
    let reason: SimulatedFailure
}
