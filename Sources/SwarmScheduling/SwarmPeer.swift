import Content

/// One piece on its way to a child.
struct Transfer: Sendable {
    let piece: Int
    /// The parent's place; nil where the child told of a transfer that was not handed out here.
    let parent: Int?
    let serial: Int
    /// When it was handed out; nil where it was not.
    let start: SchedulerInstant?
    /// Whether it takes too long, and nobody else could take over: its child may be dead, so it no longer counts in the
    /// parent's line.
    var isOverdue = false
}

/// One peer as child and as parent.
struct SwarmPeer: Sendable {
    let id: PeerID
    let role: PeerRole
    let labels: PeerLabels
    /// The serial number of its joining: places are used again, births are not.
    let birth: Int

    /// The pieces it holds.
    var held = BitSet()
    /// The pieces it holds or that are on their way to it.
    var covered = BitSet()
    var transfers: [Transfer] = []
    /// How many more assignments it takes.
    var wanted = 0
    var reader: Int?
    var restriction = ParentRestriction.anyParent
    var avoidance = Avoidance()
    /// How often in a row a slow transfer was taken from it: each doubles the patience with the next.
    var steals = 0
    /// Whether it is to be looked at against everything, not only against what is fresh.
    var isDirty = false

    /// The pieces under way or in line at it, with the places of their children.
    var line: [(child: Int, piece: Int)] = []
    /// How many of these take too long.
    var overdue = 0
    /// How many of these are likely to be sent.
    var promptLine: Int { line.count - overdue }
    var health = ParentHealth()

    /// Whether the place is free for the next who joins.
    var isVacant: Bool { birth < 0 }

    func transfer(of piece: Int) -> Transfer? { transfers.first { $0.piece == piece } }
}
