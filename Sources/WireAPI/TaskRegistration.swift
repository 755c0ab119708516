package import Content

/// A peer joins a task: `POST /api/v1/peers/{peer}/tasks`.
///
/// At least one of `url` and `digest` is given.
package struct TaskRegistrationRequest: Sendable, Codable {
    /// Where the content is; nil for content that was put into the supernode's store.
    package var url: ResourceURL?
    /// The content's digest where it is known beforehand.
    package var digest: Digest?
    /// Keeps tasks of one URL apart.
    package var tag: String?
    /// Query parameters that do not name the content.
    package var ignoredQuery: [String]
    /// Request headers that select the content.
    package var headers: HeaderFields
    /// The peer's credentials at the origin: kept in memory only, never logged, listed or returned.
    package var credentials: HeaderFields
    /// Whether the peer only offers what it holds: the supernode then does not go to the origin for it.
    package var offersOnly: Bool?
    /// Whether the content is asked for as by a proxy with a cache, under RFC 9111's rules.
    package var asSharedCache: Bool?
    /// How old the content may be; absent: as old as its origin says.
    package var freshness: FreshnessDemand?
    /// Whether pieces come from other peers too, or from the supernode alone.
    package var pattern: Pattern

    /// Whom the peer fetches from.
    package enum Pattern: String, Sendable, Codable, CaseIterable {
        case p2p
        case cdn
    }

    package init(
        url: ResourceURL?,
        digest: Digest? = nil,
        tag: String? = nil,
        ignoredQuery: [String] = [],
        headers: HeaderFields = [:],
        credentials: HeaderFields = [:],
        pattern: Pattern = .p2p,
        offersOnly: Bool? = nil,
        asSharedCache: Bool? = nil,
        freshness: FreshnessDemand? = nil
    ) {
        self.url = url
        self.digest = digest
        self.tag = tag
        self.ignoredQuery = ignoredQuery
        self.headers = headers
        self.credentials = credentials
        self.pattern = pattern
        self.offersOnly = offersOnly
        self.asSharedCache = asSharedCache
        self.freshness = freshness
    }
}

/// What a peer needs to know of a task it joined.
package struct TaskRegistrationResponse: Sendable, Codable {
    /// The task.
    package var task: TaskID
    /// Its current generation.
    package var generation: Generation
    /// The content's length in bytes; absent while the origin has not told it.
    package var length: Int64?
    /// The size of every piece but the last.
    package var pieceSize: Int64
    /// The digests of the pieces known so far.
    package var manifest: ManifestEntries
    /// The content's digest where it is known.
    package var digest: Digest?
    /// The validator that stands behind the generation: `ETag` as it came.
    package var entityTag: String?
    /// The origin's `Last-Modified`.
    package var lastModified: String?
    /// Headers of the origin's response that are replayed to clients.
    package var headers: HeaderFields
    /// For how many seconds the content may still be used without asking its origin; absent: it is to be asked.
    package var freshFor: Double?
    /// How many seconds ago the origin gave or confirmed the content; absent: nobody knows.
    package var age: Double?
    /// Permission to ask the supernode for the content's first bytes (``Opening``); absent: they come with the first piece.
    package var openingTicket: String?

    package init(
        task: TaskID,
        generation: Generation,
        length: Int64?,
        pieceSize: Int64,
        manifest: ManifestEntries,
        digest: Digest?,
        entityTag: String?,
        lastModified: String?,
        headers: HeaderFields,
        freshFor: Double? = nil,
        age: Double? = nil,
        openingTicket: String? = nil
    ) {
        self.task = task
        self.generation = generation
        self.length = length
        self.pieceSize = pieceSize
        self.manifest = manifest
        self.digest = digest
        self.entityTag = entityTag
        self.lastModified = lastModified
        self.headers = headers
        self.freshFor = freshFor
        self.age = age
        self.openingTicket = openingTicket
    }
}
