import Content
import PeerEngine
import WireAPI

/// A registry that may say nothing for so long and no longer, from one moment on.
///
/// A runtime goes on with the next place that may have the image only when it is told that this one fails.
struct Silence: Sendable {
    private let upstream: Upstream
    private let most: Duration
    private var end: ContinuousClock.Instant

    /// `now`: when the registry has said something for the last time.
    init(of upstream: Upstream, most: Duration, from now: ContinuousClock.Instant = .now) {
        self.upstream = upstream
        self.most = most
        end = now + most
    }

    /// The registry has said something, which was not enough.
    mutating func isBroken(at now: ContinuousClock.Instant = .now) { end = now + most }

    /// What a client is told.
    var message: String {
        "the registry \(upstream.name) (\(upstream.base.url.origin)) has said nothing for \(most)"
    }

    /// Runs `work`; ``Stalled`` where that takes longer than the registry may be silent.
    func limiting<Value: Sendable>(_ work: @escaping @Sendable () async throws -> Value) async throws -> Value {
        let left = max(.milliseconds(1), ContinuousClock.now.duration(to: end))
        return try await Patience(left).wait(watching: { 0 }, work)
    }

    /// The same with an error that is ``WireError/isSilence``.
    func bounding<Value: Sendable>(
        _ work: @escaping @Sendable () async throws(DownloadError) -> Value
    ) async throws(DownloadError) -> Value {
        do {
            return try await limiting { try await work() }
        } catch let error as DownloadError {
            throw error
        } catch is Stalled {
            throw DownloadError(.originUnreachable, message, detail: ["silent": upstream.base.url.origin])
        } catch {
            throw DownloadError(.cancelled, "\(error)")
        }
    }
}

extension WireError {
    /// Whether a registry was asked and has not said a word: there is no use in asking it once more.
    var isSilence: Bool { detail["silent"] != nil }
}
