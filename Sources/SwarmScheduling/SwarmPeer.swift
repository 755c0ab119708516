import Content

/// One piece on its way to a child.
///
/// Small, because every decision looks at those of several peers: of many peers hardly anything is in the processor's caches.
struct Transfer: Sendable {
    private let pieceNumber: Int32
    private let parentPlace: Int32
    let serial: Int
    private let startTime: Int64
    /// When it is slow; see ``SwarmScheduler/elapsed(_:)``.
    var alarm = Int64.max
    /// Whether it no longer counts in the parent's line: its end is near, or it takes too long and its child may be dead.
    var isDiscounted = false
    /// Whether it no longer counts for the child: its end is near, or it takes too long and its parent may be dead.
    var isWrittenOff = false
    /// Whether others may wait for it: the piece will be there in good time, for all that is known.
    var isPromised: Bool

    init(piece: Int, parent: Int?, serial: Int, start: Int64?, isPromised: Bool) {
        pieceNumber = Int32(piece)
        parentPlace = parent.map { Int32($0) } ?? -1
        self.serial = serial
        startTime = start ?? .min
        self.isPromised = isPromised
    }

    var piece: Int { Int(pieceNumber) }
    /// The parent's place; nil where the child told of a transfer that was not handed out here.
    var parent: Int? { parentPlace < 0 ? nil : Int(parentPlace) }
    /// When it was handed out; nil where it was not.
    var start: Int64? { startTime == .min ? nil : startTime }
}

/// A transfer whose piece has come.
struct EndedTransfer: Sendable {
    let start: Int64
    /// What its child said of it.
    let timing: TransferTiming?
    let child: Int
    let childBirth: Int
    let parent: Int
    let parentBirth: Int
    let isFromSeed: Bool
    /// Whether as many were under way from the seed, and to the child, as were allowed.
    let seedWasFull: Bool
    let childWasFull: Bool
}

/// One peer as child and as parent.
struct SwarmPeer: Sendable {
    let id: PeerID
    /// The number of its site; nil: it is near to everybody.
    let site: Int?
    /// The numbers of its host and its rack, the nearer first.
    var neighbourhoods: [Int] = []
    let role: PeerRole
    var restriction = ParentRestriction.anyParent
    /// Whether it is to be looked at against everything, not only against what is fresh.
    var isDirty = false
    /// Whether pieces from it take much longer than usual, and pieces to it, whoever sends them.
    var isSlow = false
    var isSlowChild = false
    /// The serial number of its joining: places are used again, births are not.
    let birth: Int

    /// How many pieces it holds or are on their way to it.
    var coveredCount = 0
    var transfers: [Transfer] = []
    /// How many of these no longer count.
    var writtenOff = 0
    /// How many of these nobody waits for.
    var unpromised = 0
    /// How many transfers to it in a row ended without their piece.
    var fruitless = 0
    /// How many transfers to it keep its link busy for a while.
    var promptTransfers: Int { transfers.count - writtenOff }
    /// When its transfers are looked at next.
    var alarm = Int64.max
    /// How many more assignments it takes.
    var wanted = 0
    /// How many it receives at once.
    var pace: Pace
    /// From the end of a body that it receives to the beginning of the next one where that is only assigned then, as a
    /// moving average in nanoseconds.
    var receivingGap: Int64?
    var reader: Int?
    var avoidance = Avoidance()
    /// How often in a row a slow transfer was taken from it: each doubles the patience with the next.
    var steals = 0

    /// The pieces under way or in line at it, with the places of their children.
    var line: [(child: Int, piece: Int)] = []
    /// How many of these no longer count.
    var discounted = 0
    /// How many of these keep it busy for a while.
    var promptLine: Int { line.count - discounted }
    var health = ParentHealth()
    /// Where it calls from, as far as that is known.
    var address: IPAddress?
    /// As whose word its complaints count.
    var voice: Voice { address.map { .address($0) } ?? .peer(id) }
    /// How long the bodies take that it gets, and those that it sends, as moving averages in nanoseconds.
    var receiving: Int64?
    var sending: Int64?
    /// How long everything but the body takes when it fetches, waiting in line included, as a moving average in
    /// nanoseconds.
    var delay: Int64?
    /// From the end of a body that it sends to the beginning of the next one where none waits in line, as a moving average
    /// in nanoseconds.
    var gap: Int64?

    /// Whether the place is free for the next who joins.
    var isVacant: Bool { birth < 0 }
}
