import Content

/// One host: how it is, and its side and the supernode's side of its calls.
struct SimulatedHost: Sendable {
    let id: PeerID
    var isAlive = true
    var hasJoined = false
    var isSlow = false
    var isCorrupt = false
    var isDying = false

    var joinedAt: Int64 = 0
    /// When it had all of its tasks; negative as long as it has not.
    var finishedAt: Int64 = -1
    var tasksLeft = 0
    var sent = 0.0
    var received = 0.0

    /// Calls that are not answered yet, as the host knows: one always, and one more when there is news.
    var openCalls = 0
    var sequence: Int32 = 0
    /// The other call's number when there are two.
    var olderCall: Int32 = -1
    var hasNews = false

    /// The call that waits at the supernode for something to tell; negative if none does.
    var waitingCall: Int32 = -1
    var latestCall: Int32 = -1
    /// Transfers handed out that no answer has carried yet.
    var pending: [Int32] = []
    /// Transfers to take back.
    var cancelled: [TransferReference] = []
    var isConcerned = false
}
