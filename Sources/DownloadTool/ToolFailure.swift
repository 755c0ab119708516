import CacheStore
package import CurlTransport
import OriginFetch
package import WireAPI

/// Why dfget did not do what was asked: one line for a person, and the exit status.
package struct ToolFailure: Error, Sendable, CustomStringConvertible {
    package let status: ExitStatus
    /// What went wrong and what to do next; without credentials.
    package let message: String

    package init(_ status: ExitStatus, _ message: String) {
        self.status = status
        self.message = message
    }

    package var description: String { message }
}

extension ToolFailure {
    /// What any node has found, this one, a daemon or a supernode: the one place where a code becomes an exit status.
    package init(_ error: WireError) {
        let advice = error.advice ?? Self.advice(for: error.code)
        self.init(Self.status(of: error.code), error.message + (advice.map { "; \($0)" } ?? ""))
    }

    private static func status(of code: WireError.Code) -> ExitStatus {
        switch code {
        case .originNotFound, .unknownTask: .notFound
        case .originUnauthorized, .originForbidden, .sourceRefused, .sourceUnverified, .invalidRequest,
            .unauthenticated, .forbidden, .unsupportedVersion:
            .denied
        case .originUnreachable, .originUntrusted, .supernodeUnreachable, .shuttingDown: .network
        case .originUnavailable, .originThrottled, .generationMismatch: .origin
        case .digestMismatch: .mismatch
        case .storageFull, .storageFailed: .local
        default: .failure
        }
    }

    /// What to do where dfget itself has met with the trouble, or everybody would do the same.
    private static func advice(for code: WireError.Code) -> String? {
        switch code {
        case .originNotFound: "check the URL"
        case .originUnauthorized: "give credentials with --header 'Authorization: ...' or in the URL"
        case .originUntrusted: "trust its authority with --cacerts FILE, or anybody with --insecure"
        case .originForbidden: "ask its owner, or give other credentials"
        case .originUnreachable: "check the host's name and the network, or try again later"
        case .originUnavailable, .originThrottled: "try again later"
        case .generationMismatch: "run the same command again"
        case .supernodeUnreachable: "see that a supernode runs where --node and the configuration say"
        case .digestMismatch: "nothing was kept; check the digest, or tell the origin's owner"
        case .storageFull: "free some space and run the same command again"
        default: nil
        }
    }

    package init(_ error: TransferError) {
        switch error.code {
        case .refusedBySink: self = error.cause.map { ToolFailure(any: $0) } ?? ToolFailure(.failure, error.message)
        case .timedOut, .tooSlow: self.init(.timeout, error.message)
        default: self.init(.network, error.message)
        }
    }

    /// Anything that was thrown.
    package init(any error: any Error) {
        switch error {
        case let error as ToolFailure: self = error
        case let error as WireError: self.init(error)
        case let error as StoreError: self.init(WireError(error))
        case let error as TransferError: self.init(error)
        default: self.init(.failure, "\(error)")
        }
    }
}
