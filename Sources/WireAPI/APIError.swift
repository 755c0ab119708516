/// An error of our HTTP APIs: the status, and the body `{"error":{"code","message","detail"}}`.
package struct WireError: Error, Sendable, Hashable, Codable, CustomStringConvertible {
    /// What went wrong, for programs.
    package struct Code: Sendable, Hashable, Codable, RawRepresentable {
        package let rawValue: String

        package init(rawValue: String) { self.rawValue = rawValue }

        package init(from decoder: any Decoder) throws {
            rawValue = try decoder.singleValueContainer().decode(String.self)
        }

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            try container.encode(rawValue)
        }
    }

    /// What went wrong, for programs.
    package var code: Code
    /// What went wrong and what to do next, for people.
    ///
    /// Never holds credentials.
    package var message: String
    /// What else a program may want to know: a `WWW-Authenticate` challenge, a generation, seconds to wait.
    ///
    /// ``advice`` is part of it.
    package var detail: [String: String]

    package init(_ code: Code, _ message: String, detail: [String: String] = [:]) {
        self.code = code
        self.message = message
        self.detail = detail
    }

    package var description: String { message }

    /// What a person can do about it, where whoever met with the trouble knows better than whoever hears of it.
    package var advice: String? { detail["advice"] }

    /// The same error with an advice; one that is there already comes from nearer to the trouble and stays.
    package func advising(_ advice: String?) -> WireError {
        guard let advice, self.advice == nil else { return self }
        var error = self
        error.detail["advice"] = advice
        return error
    }

    private enum CodingKeys: String, CodingKey { case code, message, detail }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        code = try container.decode(Code.self, forKey: .code)
        message = try container.decodeIfPresent(String.self, forKey: .message) ?? ""
        detail = try container.decodeIfPresent([String: String].self, forKey: .detail) ?? [:]
    }
}

/// The body of an error response.
package struct WireErrorBody: Sendable, Codable {
    package var error: WireError

    package init(_ error: WireError) { self.error = error }
}

extension WireError.Code {
    /// The request is malformed, or of a kind that nobody here knows: 400.
    package static let invalidRequest = Self(rawValue: "invalid_request")
    /// The peer is not registered here (any more): register again: 404.
    package static let unknownPeer = Self(rawValue: "unknown_peer")
    /// The key of the registration or the cluster's token is missing or wrong: 401.
    package static let unauthenticated = Self(rawValue: "unauthenticated")
    /// The caller may not do this, whatever it presents: 403.
    package static let forbidden = Self(rawValue: "forbidden")
    /// No such task here: 404.
    package static let unknownTask = Self(rawValue: "unknown_task")
    /// The piece is not held here: 404.
    package static let pieceNotHeld = Self(rawValue: "piece_not_held")
    /// The ticket is missing, wrong or expired: 403.
    package static let badTicket = Self(rawValue: "bad_ticket")
    /// The task is at another generation: 409.
    package static let generationMismatch = Self(rawValue: "generation_mismatch")
    /// No common protocol version: 426.
    package static let unsupportedVersion = Self(rawValue: "unsupported_version")
    /// The origin does not have it: 404.
    package static let originNotFound = Self(rawValue: "origin_not_found")
    /// The origin wants (other) credentials: 401, with the challenge in the detail.
    package static let originUnauthorized = Self(rawValue: "origin_unauthorized")
    /// The origin refuses these credentials: 403.
    package static let originForbidden = Self(rawValue: "origin_forbidden")
    /// No connection to the origin: its name, the way to it, nobody who listens, or no answer in time: 502.
    package static let originUnreachable = Self(rawValue: "origin_unreachable")
    /// The origin's certificate is not one that is trusted where the content is fetched: 502.
    package static let originUntrusted = Self(rawValue: "origin_untrusted")
    /// The origin answers, but fails: 502.
    package static let originUnavailable = Self(rawValue: "origin_unavailable")
    /// The origin wants to be asked later: 503 with the seconds in the detail.
    package static let originThrottled = Self(rawValue: "origin_throttled")
    /// The content is not what its digest says: 502.
    package static let digestMismatch = Self(rawValue: "digest_mismatch")
    /// The node's configuration or the origin does not allow this request: 403.
    package static let sourceRefused = Self(rawValue: "source_refused")
    /// The permission of this source for content that is already here can not be verified: 403; fetch it directly.
    package static let sourceUnverified = Self(rawValue: "source_unverified")
    /// The origin's answer is not for a shared cache, or is no content: 403; fetch it directly.
    package static let notShareable = Self(rawValue: "not_shareable")
    /// There is no room for the content: 507.
    package static let storageFull = Self(rawValue: "storage_full")
    /// The node can take no more of this: 503.
    package static let busy = Self(rawValue: "busy")
    /// Any other trouble with files: 500.
    package static let storageFailed = Self(rawValue: "storage_failed")
    /// No supernode can be reached: 503.
    package static let supernodeUnreachable = Self(rawValue: "supernode_unreachable")
    /// Nobody wants it any longer: 503.
    package static let cancelled = Self(rawValue: "cancelled")
    /// The node is shutting down: 503.
    package static let shuttingDown = Self(rawValue: "shutting_down")
    /// Anything else: 500.
    package static let internalError = Self(rawValue: "internal_error")

    /// The HTTP status that goes with the code.
    package var status: Int {
        switch self {
        case .invalidRequest: 400
        case .unauthenticated, .originUnauthorized: 401
        case .forbidden, .badTicket, .originForbidden, .sourceRefused, .sourceUnverified, .notShareable: 403
        case .unknownPeer, .unknownTask, .pieceNotHeld, .originNotFound: 404
        case .generationMismatch: 409
        case .unsupportedVersion: 426
        case .originUnreachable, .originUntrusted, .originUnavailable, .digestMismatch: 502
        case .originThrottled, .busy, .supernodeUnreachable, .shuttingDown, .cancelled: 503
        case .storageFull: 507
        default: 500
        }
    }
}
