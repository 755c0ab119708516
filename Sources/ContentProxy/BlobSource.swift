import CacheStore
import OriginFetch
import WireAPI

/// Where a client's bytes come from: the next one goes on where one has failed.
enum BlobSource: Sendable, Hashable {
    /// The download that the request began with, or took part in.
    case download
    /// Another one, with fresh credentials: what is committed it does not fetch again.
    case again
    /// The registry itself, past the swarm and the store.
    case direct

    /// Who goes on; nil: nobody can.
    func next(after failure: BlobFailure) -> BlobSource? {
        switch (self, failure) {
        case (_, .gone), (_, .wrong), (.direct, _): nil
        case (.download, .failed): .again
        case (.download, _), (.again, _): .direct
        }
    }
}

/// Why a source gives no more.
enum BlobFailure: Sendable, Hashable {
    /// The client has gone: nobody has to go on.
    case gone
    /// Not the content that was asked for: what has been sent of it can not be taken back.
    case wrong
    /// Nothing has arrived for too long.
    case stalled
    /// This node can not keep the content: another download would meet with the same.
    case storage
    /// Whatever else: the supernode, the parents, the registry or the credentials.
    case failed

    init(_ error: any Error) {
        switch error {
        case is ClientGone: self = .gone
        case is WrongContent: self = .wrong
        case is Stalled: self = .stalled
        case let error as StoreError: self.init(WireError(error))
        case let error as WireError:
            switch error.code {
            case .digestMismatch: self = .wrong
            case .storageFull, .storageFailed: self = .storage
            default: self = .failed
            }
        default: self = .failed
        }
    }
}

/// Nothing more can be written to the client.
struct ClientGone: Error {
    let cause: any Error
}

/// What has been sent is not the content's beginning, or its end would not fit.
struct WrongContent: Error, CustomStringConvertible {
    let description: String
}
