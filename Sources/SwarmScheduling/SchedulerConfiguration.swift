/// What a scheduler may be told to do differently.
package struct SchedulerConfiguration: Sendable {
    /// How many pieces may be under way or in line at one peer: one is sent, the next ones are there when it ends.
    package var peerSlots = 4
    /// The same for the seed, shared out among the peers; large enough for a lone one to fill its connection.
    package var seedSlots = 16
    /// The seed's line is at least this long, however many the peers are.
    package var seedShare = 4
    /// The seed gives a piece that some peer has already been given only while fewer than this are in line at it.
    package var seedRepeatLine = 2
    /// How many pieces ahead of a reader go before rarer ones.
    package var readerWindow = 4
    /// How many other holders are named with an assignment.
    package var alternates = 2

    /// A transfer this many times slower than usual is given to another parent.
    package var slowFactor = 10
    /// The same where the child has nothing else left to fetch.
    package var endgameFactor = 3
    /// No transfer is called slow before this.
    package var leastPatience: Duration = .seconds(1)
    /// When a transfer is called slow before any has been measured.
    package var firstPatience: Duration = .seconds(10)

    /// How long a child keeps away from a parent that failed it, doubled with each further failure up to
    /// `longestBackoff`.
    package var firstBackoff: Duration = .milliseconds(500)
    /// The upper bound of every back-off.
    package var longestBackoff: Duration = .seconds(60)
    /// How long wrong bytes keep a child away at first.
    package var firstBackoffOfWrongBytes: Duration = .seconds(10)
    /// How many distinct children must complain of an unreachable parent before it rests for everybody.
    package var complainers = 2
    /// How many distinct children must complain of wrong bytes before a parent rests for everybody.
    package var complainersOfWrongBytes = 3
    /// How long a complaint counts.
    package var complaintMemory: Duration = .seconds(120)

    /// The defaults.
    package init() {}
}
