import Synchronization

/// When a node offers a supernode again what was not wanted there: later after each failure, the later the more waits, and
/// not everywhere at once.
final class OfferPace: Sendable {
    /// The longest time between two tries where little waits.
    private static let longest = Duration.seconds(30)
    /// A node tries about one offer in this time, however many wait.
    private static let perOffer = Duration.seconds(1)

    private let waiting = Mutex(0)

    /// Lets the time pass after which the next try is due.
    ///
    /// Returns false if cancelled.
    func pause(after failures: Int) async -> Bool {
        let count = waiting.withLock { waiting in
            waiting += 1
            return waiting
        }
        defer { waiting.withLock { $0 -= 1 } }
        let delay = Self.delay(after: failures, waiting: count, chance: .random(in: 0...1))
        do { try await Task.sleep(for: delay) } catch { return false }
        return true
    }

    /// `waiting`: how many offers wait with this one; `chance`: from 0 to 1.
    static func delay(after failures: Int, waiting: Int, chance: Double) -> Duration {
        let growing = min(perOffer * (1 << min(max(0, failures - 1), 8)), longest)
        return max(growing, perOffer * waiting) * (0.5 + chance / 2)
    }
}
