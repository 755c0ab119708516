import Synchronization

/// How the sending of a body ended.
package struct SendReport: Sendable {
    /// Bytes that the connection has taken, counted in whole regions.
    package let bytes: Int64
    /// Why not all were sent; nil if all were.
    package let failure: (any Error)?
}

/// Calls somebody back exactly once with the end of a sending, also when the response was dropped unsent.
final class SendObservation: Sendable {
    private let callback: Mutex<(@Sendable (SendReport) -> Void)?>

    init(_ callback: (@Sendable (SendReport) -> Void)?) { self.callback = Mutex(callback) }

    deinit { report(SendReport(bytes: 0, failure: CancellationError())) }

    func report(_ report: SendReport) {
        let callback = callback.withLock { callback in
            defer { callback = nil }
            return callback
        }
        callback?(report)
    }
}
