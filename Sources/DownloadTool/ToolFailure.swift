import BackendAPI
package import CacheStore
package import CurlTransport
import HTTPService
package import PeerEngine
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
    /// `supernodes`: those asked, to tell their silence from the origin's.
    package init(_ error: DownloadError, supernodes: [SupernodeAddress] = []) {
        switch error.code {
        case .notFound: self.init(.notFound, error.message)
        case .unauthorized:
            self.init(.denied, "\(error.message); give credentials with --header 'Authorization: ...' or in the URL")
        case .forbidden: self.init(.denied, error.message)
        case .refused: self.init(.denied, error.message)
        case .unavailable:
            let isSupernode =
                supernodes.contains { error.message.hasPrefix($0.url) } || error.message.hasPrefix("no supernode")
            self.init(isSupernode ? .network : .origin, error.message)
        case .throttled: self.init(.origin, "\(error.message); try again later")
        case .digestMismatch: self.init(.mismatch, error.message)
        case .storageFull: self.init(.local, "\(error.message); free some space and run the same command again")
        case .storage: self.init(.local, error.message)
        case .cancelled, .other: self.init(.failure, error.message)
        }
    }

    /// What a node or supernode answered.
    package init(_ error: WireError) {
        let status: ExitStatus =
            switch error.code {
            case .originNotFound, .unknownTask: .notFound
            case .originUnauthorized, .originForbidden, .sourceRefused, .sourceUnverified, .unauthenticated: .denied
            case .originUnavailable, .originThrottled: .origin
            case .digestMismatch: .mismatch
            case .shuttingDown: .network
            default: .failure
            }
        let advice =
            error.code == .originUnauthorized
            ? "; give credentials with --header 'Authorization: ...' or in the URL" : ""
        self.init(status, error.message + advice)
    }

    package init(_ error: StoreError) {
        switch error.code {
        case .digestMismatch, .contentMismatch: self.init(.mismatch, error.message)
        case .diskFull: self.init(.local, "\(error.message); free some space and run the same command again")
        case .cancelled: self.init(.failure, error.message)
        default: self.init(.local, error.message)
        }
    }

    package init(_ error: TransferError) {
        switch error.code {
        case .refusedBySink:
            switch error.cause {
            case let cause as ToolFailure: self = cause
            case let cause as StoreError: self.init(cause)
            default: self.init(.failure, error.message)
            }
        case .timedOut, .tooSlow: self.init(.timeout, error.message)
        default: self.init(.network, error.message)
        }
    }

    /// Anything that was thrown.
    package init(any error: any Error) {
        switch error {
        case let error as ToolFailure: self = error
        case let error as DownloadError: self.init(error)
        case let error as WireError: self.init(error)
        case let error as StoreError: self.init(error)
        case let error as TransferError: self.init(error)
        case let error as ListenError: self.init(.failure, error.description)
        default: self.init(.failure, "\(error)")
        }
    }
}
