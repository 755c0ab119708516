/// When a reader takes bytes of the origin before their piece is committed.
package struct EarlyReading: Sendable {
    /// How many have to be there.
    static let least: Int64 = 64 << 10

    /// How long nothing committed has come: where pieces follow each other fast, they go out as wholes.
    let pause: Duration
    let clock: any Clock<Duration>

    package init(pause: Duration = .milliseconds(250), clock: any Clock<Duration> = ContinuousClock()) {
        self.pause = pause
        self.clock = clock
    }
}
