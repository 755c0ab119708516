import CacheStore
import Content
import HTTPService
import Logging
import OriginFetch
import PeerEngine
import WireAPI

/// What the logs are told of the answer to one request for a blob.
struct BlobNotes: Sendable {
    let notes: RequestNotes
    let logger: Logger
    let url: ResourceURL

    /// How the answer begins.
    func begin(_ download: TaskDownload, _ status: CacheStatus) {
        notes.set(download.taskID)
        notes.set(status)
    }

    /// The stream goes on from another source.
    func changed(to source: BlobSource, at position: Int64, after error: any Error) {
        if source == .direct { notes["direct"] = Self.reason(error) }
        logger.notice(
            "a blob's stream goes on from another source",
            metadata: [
                "url": "\(url)", "source": "\(source)", "position": "\(position)", "reason": "\(Self.text(error))",
            ]
        )
    }

    /// The connection is to be broken off: no source can give the rest.
    func ended(at position: Int64, after error: any Error) {
        logger.warning(
            "a blob can not be sent to its end",
            metadata: ["url": "\(url)", "position": "\(position)", "reason": "\(Self.text(error))"]
        )
    }

    /// The bytes of a part go straight from the registry to the client, which alone can say whether they are right.
    func unverified() {
        logger.notice("a part of a blob is passed on unverified", metadata: ["url": "\(url)"])
    }

    /// A word for the access log.
    private static func reason(_ error: any Error) -> String {
        switch error {
        case is Stalled: "stalled"
        case let error as WireError: error.code.rawValue
        case let error as StoreError: WireError(error).code.rawValue
        default: "failed"
        }
    }

    static func text(_ error: any Error) -> String {
        if let stalled = error as? Stalled { return "nothing has arrived for \(stalled.patience)" }
        return (error as? StoreError)?.message ?? "\(error)"
    }
}
