package import Content

/// A download through the node's daemon: `POST /api/v1/downloads` on its control socket.
///
/// The answer's body is the content.
package struct NodeDownloadRequest: Sendable, Codable {
    package var url: ResourceURL?
    package var digest: Digest?
    package var tag: String?
    package var ignoredQuery: [String]
    package var headers: HeaderFields
    package var credentials: HeaderFields
    package var pattern: NodePattern
    /// Never go to the origin from this node.
    package var notBackToSource: Bool
    /// The most bytes a second at which the node is to receive it; nil: as fast as it can.
    package var limit: Int64?

    package init(
        url: ResourceURL?,
        digest: Digest?,
        tag: String?,
        ignoredQuery: [String],
        headers: HeaderFields,
        credentials: HeaderFields,
        pattern: NodePattern,
        notBackToSource: Bool,
        limit: Int64? = nil
    ) {
        self.url = url
        self.digest = digest
        self.tag = tag
        self.ignoredQuery = ignoredQuery
        self.headers = headers
        self.credentials = credentials
        self.pattern = pattern
        self.notBackToSource = notBackToSource
        self.limit = limit
    }
}

/// Where a download may get its bytes (`--pattern`).
package enum NodePattern: String, Sendable, Codable, CaseIterable {
    /// From other peers and the supernode.
    case p2p
    /// From the supernode alone.
    case cdn
    /// From the origin alone.
    case source
}

/// Who owns a control socket.
package struct NodeDescription: Sendable, Codable {
    package var name: String
    package var version: String
    package var pid: Int32

    package init(name: String, version: String, pid: Int32) {
        self.name = name
        self.version = version
        self.pid = pid
    }
}
