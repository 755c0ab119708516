package import WireAPI

/// How a download through the node stands: `GET /api/v1/downloads/{id}`.
package struct NodeDownloadStatus: Sendable, Hashable, Codable {
    /// Where the bytes that are here came from.
    package var from: ByteOrigins
    /// Bytes that are verified.
    package var bytes: Int64
    /// The content's length, as soon as it is known.
    package var length: Int64?
    /// Whether the answer with the content has ended, well or not.
    package var ended: Bool
    /// Why the content can not be had (any longer).
    package var error: WireError?

    package init(from: ByteOrigins, bytes: Int64, length: Int64?, ended: Bool, error: WireError? = nil) {
        self.from = from
        self.bytes = bytes
        self.length = length
        self.ended = ended
        self.error = error
    }
}
