/// How the time of one transfer was spent, as its child saw it.
package struct TransferTiming: Sendable, Hashable {
    /// From the body's first byte to its last.
    package var body: Duration
    /// How long the request waited in line at the parent.
    package var queued: Duration

    /// Negative times count as none.
    package init(body: Duration, queued: Duration = .zero) {
        self.body = max(.zero, body)
        self.queued = max(.zero, queued)
    }
}
