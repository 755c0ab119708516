package import WireAPI

/// How far a download is.
package struct DownloadProgress: Sendable, Hashable {
    package var bytes: Int64
    package var length: Int64?
    package var from: ByteOrigins

    package init(bytes: Int64 = 0, length: Int64? = nil, from: ByteOrigins = ByteOrigins()) {
        self.bytes = bytes
        self.length = length
        self.from = from
    }
}

/// How a download ended that went well.
package struct DownloadOutcome: Sendable, Hashable {
    package var bytes: Int64
    /// Where it is known.
    package var digest: String?
    package var from: ByteOrigins
}
