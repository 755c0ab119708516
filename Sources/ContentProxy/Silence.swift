import Content
import HTTPService
import Hummingbird
import PeerEngine
import WireAPI

/// A registry, or another origin, that may say nothing for so long and no longer, from one moment on.
///
/// A runtime goes on with the next place that may have the image only when it is told that this one fails.
struct Silence: Sendable {
    /// The code of an error that says that it has come to that.
    static let code = "upstream_silent"

    private let origin: String
    /// What images know it by.
    private let registry: String?
    private let most: Duration
    private var end: ContinuousClock.Instant

    /// `now`: when `origin`, which is `registry`, has said something for the last time.
    init(
        of origin: String,
        registry: String? = nil,
        most: Duration,
        from now: ContinuousClock.Instant = .now
    ) {
        self.origin = origin
        self.registry = registry
        self.most = most
        end = now + most
    }

    /// The registry has said something, which was not enough.
    mutating func isBroken(at now: ContinuousClock.Instant = .now) { end = now + most }

    /// What a client is told.
    var message: String {
        "\(registry.map { "the registry \($0) (\(origin))" } ?? origin) has said nothing for \(most)"
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
            throw DownloadError(.originUnreachable, message, detail: ["silent": origin])
        } catch {
            throw DownloadError(.cancelled, "\(error)")
        }
    }
}

extension Silence? {
    /// Runs `work`, which gets an answer; an error of the API where that takes longer than it may, which is for ever with nil.
    func answering(_ work: @escaping @Sendable () async throws -> Response) async throws -> Response {
        guard let self else { return try await work() }
        do {
            return try await self.limiting(work)
        } catch is Stalled {
            throw APIError(.gatewayTimeout, Silence.code, self.message)
        }
    }
}

extension WireError {
    /// Whether a registry was asked and has not said a word: there is no use in asking it once more.
    var isSilence: Bool { detail["silent"] != nil }
}
