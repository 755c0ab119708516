package import BackendAPI
package import CacheStore
package import Content
package import NodeConfig
package import OriginFetch
package import WireAPI

/// What a client wants to have on this node.
package struct DownloadRequest: Sendable {
    /// Where the content is; nil where only its digest is known and a supernode holds it.
    package var resource: Resource?
    /// The content's digest, where the resource does not say it.
    package var digest: Digest?
    package var credentials: Credentials
    package var pattern: NodePattern
    /// Never go to the origin from this node.
    package var notBackToSource: Bool
    /// The most that this download is to receive, besides the node's own limits.
    package var limit: Rate
    /// How old what is here or at a supernode may be; nil: as old as its origin says.
    package var freshness: FreshnessDemand?
    /// Only what readers ask for is fetched (``TaskDownload/want(_:)``), as long as nobody else wants all of it.
    package var isLazy: Bool

    package init(
        resource: Resource?,
        digest: Digest? = nil,
        credentials: Credentials = Credentials(),
        pattern: NodePattern = .p2p,
        notBackToSource: Bool = false,
        limit: Rate = .unlimited,
        freshness: FreshnessDemand? = nil,
        isLazy: Bool = false
    ) {
        self.resource = resource
        self.digest = digest ?? resource?.digest
        self.credentials = credentials
        self.pattern = pattern
        self.notBackToSource = notBackToSource
        self.limit = limit
        self.freshness = freshness
        self.isLazy = isLazy
    }

    /// The task it belongs to; nil if it names nothing.
    package var taskID: TaskID? { resource?.taskID ?? digest.map { TaskID(content: $0) } }
}

/// Where a download's pieces go on this node.
package protocol DownloadDestination: FetchDestination {
    /// The file of one generation: what is there of it already, or room for it.
    func open(_ record: OriginRecord, generation: Generation, layout: PieceLayout) throws(StoreError) -> PieceFile

    /// Whether a complete download holds on to its file; otherwise it can be had again through ``complete()``.
    var keepsFile: Bool { get }

    /// A complete earlier version, to be revalidated.
    func complete() -> (file: PieceFile, record: OriginRecord)?

    /// The origin has confirmed the complete version: `record` says what it says of it now.
    func confirm(_ record: OriginRecord)

    /// All pieces are committed.
    ///
    /// `expected`: digests that the content has.
    /// `verified`: whether that has been made sure of; otherwise the content is hashed.
    func finish(_ file: PieceFile, expected: [Digest], verified: Bool) async throws(StoreError)
}

extension DownloadDestination {
    /// Kept by nobody.
    package func confirm(_ record: OriginRecord) {}
}

/// Why a download failed, and what to do next.
///
/// It is the error of the APIs themselves, so that what went wrong at an origin, a supernode or a disk reaches whoever asked
/// whole, by whatever way.
package typealias DownloadError = WireError
