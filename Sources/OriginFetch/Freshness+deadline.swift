import BackendAPI
import Content

extension Freshness {
    /// Until when the content may be used without asking again, in seconds since 1970; nil: ask every time.
    func freshUntil(now: Double) -> Double? {
        guard !noStore, !noCache, let maxAge, maxAge > .zero else { return nil }
        return now + maxAge.seconds
    }
}
