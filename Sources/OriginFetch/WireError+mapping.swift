package import BackendAPI
package import CacheStore
import Content
package import WireAPI

extension WireError {
    /// So much of an origin's words is kept and passed on, in bytes of a challenge or characters of a message.
    package static let longestOriginText = 8192

    /// What everybody downstream is told of an origin's failure.
    package init(_ error: BackendError) {
        var detail: [String: String] = [:]
        if let status = error.status { detail["status"] = "\(status)" }
        let challenge = error.challenges.joined(separator: ", ")
        // Half a challenge is none; and an origin's words are kept.
        if !challenge.isEmpty, challenge.utf8.count <= Self.longestOriginText { detail["challenge"] = challenge }
        if let delay = error.retryAfter { detail["retry_after"] = "\(Int(delay.seconds.rounded(.up)))" }
        let code: Code =
            switch error.code {
            case .notFound: .originNotFound
            case .unauthorized: .originUnauthorized
            case .forbidden: .originForbidden
            case .refused: .sourceRefused
            // With a status it is the origin's no; without one nobody has been asked.
            case .invalidRequest, .unsupported: error.status == nil ? .invalidRequest : .sourceRefused
            case .throttled: .originThrottled
            case .unreachable, .timedOut: .originUnreachable
            case .tls: .originUntrusted
            case .notShareable: .notShareable
            case .cancelled: .cancelled
            default: .originUnavailable
            }
        self.init(code, String(error.message.prefix(Self.longestOriginText)), detail: detail)
    }

    /// What everybody downstream is told of a node's disk.
    package init(_ error: StoreError) {
        switch error.code {
        case .failed where error.cause is WireError:
            // Readers of a file hear of whatever has ended the download that fills it.
            self = error.cause as? WireError ?? WireError(.storageFailed, error.message)
        case .diskFull, .quotaExceeded: self.init(.storageFull, error.message)
        case .digestMismatch, .contentMismatch: self.init(.digestMismatch, error.message)
        case .cancelled: self.init(.cancelled, error.message)
        default: self.init(.storageFailed, error.message)
        }
    }

    /// What everybody downstream is told of a fetch that came to nothing.
    package init(_ error: FetchError) {
        switch error {
        case .origin(let error): self.init(error)
        case .store(let error): self.init(error)
        case .cancelled: self.init(.cancelled, "cancelled")
        }
    }

    /// What everybody downstream is told of a right that has not been shown, or a name that has not been looked up.
    package init(_ error: AccessFailure) {
        switch error {
        case .unproven:
            self.init(
                .sourceUnverified,
                "this source can not show that it may have the content; fetch it directly"
            )
        case .otherContent:
            self.init(
                .sourceUnverified,
                "the origin has other content for these credentials; fetch it directly"
            )
        case .origin(let error): self.init(error)
        case .busy(let message): self.init(.busy, message)
        }
    }
}
