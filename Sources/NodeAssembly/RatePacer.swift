import CurlTransport
import HTTPService
import NodeConfig

/// Limits the uploads of a node by a token bucket that all of them share.
struct RatePacer: Pacer {
    let limiter: RateLimiter

    /// Nil where there is no limit.
    init?(_ rate: Rate) {
        guard let bytes = rate.bytesPerSecond else { return nil }
        limiter = RateLimiter(bytesPerSecond: bytes)
    }

    func delay(before bytes: Int) async -> Duration { limiter.reserve(bytes) }
}
