/// What a scheduler may be told to do differently.
package struct SchedulerConfiguration: Sendable {
    /// How many pieces may be under way or in line at one peer, besides those whose end is near: one is sent, and children
    /// that would wait in line may be served by others meanwhile.
    package var peerSlots = 1
    /// How many are under way to one peer at the start; then as many as fill its link.
    package var childStart = 1
    /// The most under way to one peer.
    package var mostOfChild = 16
    /// The most in line at one peer, where pieces are short and calls take long.
    package var mostPeerSlots = 12
    /// The most under way from the seed; a lone peer may have them all.
    package var seedSlots = 16
    /// How many are under way from the seed to several peers at the start; then as many as fill its link.
    package var seedStart = 2
    /// The seed gives a piece that some peer has already been given only while fewer than this are in line at it.
    package var seedRepeatLine = 1
    /// How many pieces ahead of a reader go before rarer ones.
    package var readerWindow = 4
    /// How many other holders are named with an assignment.
    package var alternates = 2

    /// A transfer this many times slower than usual is given to another parent.
    package var slowFactor = 10
    /// The same where the child has nothing else left to fetch.
    package var endgameFactor = 3
    /// A parent whose pieces take this many times longer than usual is asked only where there is no other, and such a child
    /// is served when the others have been.
    package var slowPeerFactor = 3
    /// No transfer is taken from a parent before this.
    package var leastPatience: Duration = .milliseconds(500)
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
