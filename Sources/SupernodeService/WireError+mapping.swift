import BackendAPI
import CacheStore
import Content
import OriginFetch
import WireAPI

extension WireError {
    /// What a peer is told of an origin's answer.
    init(_ error: BackendError) {
        var detail: [String: String] = [:]
        if let status = error.status { detail["status"] = "\(status)" }
        let challenge = error.challenges.joined(separator: ", ")
        // Half a challenge is none; and an origin's words are kept.
        if !challenge.isEmpty, challenge.utf8.count <= Bounds.originText { detail["challenge"] = challenge }
        if let delay = error.retryAfter { detail["retry_after"] = "\(Int(delay.seconds.rounded(.up)))" }
        let code: Code =
            switch error.code {
            case .notFound: .originNotFound
            case .unauthorized: .originUnauthorized
            case .forbidden: .originForbidden
            case .refused, .invalidRequest, .unsupported: .sourceRefused
            case .throttled: .originThrottled
            default: .originUnavailable
            }
        self.init(code, String(error.message.prefix(Bounds.originText)), detail: detail)
    }

    init(_ error: StoreError) {
        switch error.code {
        case .diskFull, .quotaExceeded: self.init(.storageFull, error.message)
        case .digestMismatch, .contentMismatch: self.init(.digestMismatch, error.message)
        default: self.init(.internalError, error.message)
        }
    }

    init(_ error: FetchError) {
        switch error {
        case .origin(let error): self.init(error)
        case .store(let error): self.init(error)
        case .cancelled: self.init(.shuttingDown, "the supernode is shutting down")
        }
    }
}
