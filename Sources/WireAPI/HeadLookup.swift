package import Content

/// A peer wants to know what a URL, such as that of a tag, stands for now: `POST /api/v1/peers/{peer}/heads`.
///
/// What the origin does not give is an error like any other, with the origin's `status` and `challenge` in its detail.
package struct HeadRequest: Sendable, Codable {
    package var url: ResourceURL
    /// Request headers that select the content.
    package var headers: HeaderFields
    /// The peer's credentials at the origin: kept in memory only, never logged, listed or returned.
    package var credentials: HeaderFields

    package init(url: ResourceURL, headers: HeaderFields = [:], credentials: HeaderFields = [:]) {
        self.url = url
        self.headers = headers
        self.credentials = credentials
    }
}

/// What the origin said, in an answer to a request that it got after the peer's call had come.
package struct HeadResponse: Sendable, Codable {
    /// The content's length in bytes, where the origin tells it.
    package var length: Int64?
    /// The content's digest, where the origin tells it.
    package var digest: Digest?
    /// `ETag` as it came.
    package var entityTag: String?
    /// `Last-Modified` as it came.
    package var lastModified: String?
    /// Whether that date can be trusted to part versions.
    package var lastModifiedIsStrong: Bool?
    /// Whether a range request is worth trying.
    package var acceptsRanges: Bool?
    /// Headers of the origin's response that are replayed to clients.
    package var headers: HeaderFields
    /// The request headers that selected this content, in lower case.
    package var vary: [String]?
    package var freshness: Freshness

    /// How long it may be used without asking again (RFC 9111).
    package struct Freshness: Sendable, Codable {
        package var maxAgeSeconds: Double?
        package var noStore: Bool?
        package var noCache: Bool?
        package var mustRevalidate: Bool?
        package var isPrivate: Bool?
        package var isImmutable: Bool?

        package init() {}
    }

    package init(headers: HeaderFields, freshness: Freshness = Freshness()) {
        self.headers = headers
        self.freshness = freshness
    }
}
