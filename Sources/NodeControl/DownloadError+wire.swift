import PeerEngine
import WireAPI

extension WireError {
    /// What a client on the control socket is told.
    init(_ error: DownloadError) {
        let code: Code =
            switch error.code {
            case .notFound: .originNotFound
            case .unauthorized: .originUnauthorized
            case .forbidden: .originForbidden
            case .refused: .sourceRefused
            case .unavailable: .originUnavailable
            case .throttled: .originThrottled
            case .digestMismatch: .digestMismatch
            case .storageFull: .storageFull
            case .cancelled: .shuttingDown
            case .storage, .other: .internalError
            }
        var detail: [String: String] = [:]
        if let challenge = error.challenges.first { detail["challenge"] = challenge }
        self.init(code, error.message, detail: detail)
    }
}
