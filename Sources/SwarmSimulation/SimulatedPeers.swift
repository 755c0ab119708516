package import NodeConfig

/// The hosts that download, and how they behave.
package struct SimulatedPeers: Sendable, Configurable {
    package var count = 50
    package var up = Rate(bytesPerSecond: 12_500_000)
    package var down = Rate(bytesPerSecond: 12_500_000)
    /// They arrive one after the other, evenly over this time.
    package var arriveOver = Duration.zero

    /// Of each task: how many pieces a peer has assigned to it at most.
    package var window = 16
    /// How long before a body's end the peer asks for the next one.
    package var lead = Duration.milliseconds(2)
    /// Of each task: how many bodies it sends at once; who asks meanwhile waits in line.
    package var uploadSlots = 2
    /// How fast pieces are hashed.
    package var hashRate = Rate(bytesPerSecond: 1_000_000_000)
    /// Whether a peer asks the other holders named with an assignment when the first one fails, before it tells the
    /// supernode, which else assigns the piece anew.
    package var asksAlternates = false
    /// A body that stands still for this long is given up.
    package var stall = Duration.seconds(10)

    /// Which part of them has a tenth of the rates.
    package var slow = 0.0
    /// Which part serves wrong bytes.
    package var corrupt = 0.0
    /// Which part dies, between `dieFrom` and `dieUntil` after the start.
    package var dying = 0.0
    package var dieFrom = Duration.zero
    package var dieUntil = Duration.zero
    /// Whether the dying are killed, and their connections break at once; otherwise they fall silent.
    package var killed = false

    package init() {}

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.value("count", &count)
        try fields.check("count", (1...100_000).contains(count), "must be from 1 to 100000")
        try fields.value("up", &up)
        try fields.check("up", up.bytesPerSecond != nil, "must be a limit")
        try fields.value("down", &down)
        try fields.check("down", down.bytesPerSecond != nil, "must be a limit")
        try fields.value("arrive_over", &arriveOver)
        try fields.value("window", &window)
        try fields.check("window", (1...64).contains(window), "must be from 1 to 64")
        try fields.value("lead", &lead)
        try fields.value("upload_slots", &uploadSlots)
        try fields.check("upload_slots", (1...1024).contains(uploadSlots), "must be from 1 to 1024")
        try fields.value("hash_rate", &hashRate)
        try fields.value("asks_alternates", &asksAlternates)
        try fields.value("stall", &stall)
        try fields.fraction("slow", &slow)
        try fields.fraction("corrupt", &corrupt)
        try fields.fraction("dying", &dying)
        try fields.check("dying", slow + corrupt + dying <= 1, "with 'slow' and 'corrupt' is more than all")
        try fields.value("die_from", &dieFrom)
        try fields.value("die_until", &dieUntil)
        try fields.check("die_until", dieUntil >= dieFrom, "must not be before 'die_from'")
        try fields.value("killed", &killed)
    }
}
