import HTTPTypes

/// How this node's cache took part in an answer: the `Cache-Status` field (RFC 9211).
struct CacheStatus: Sendable, Hashable, CustomStringConvertible {
    /// Why the request went on (RFC 9211 §2.2).
    enum Forward: String, Sendable {
        /// The cache is not meant for such requests.
        case bypass
        /// For methods that are not cached.
        case method
        /// There was nothing of the kind.
        case miss = "uri-miss"
        /// There was something, but selected by other request headers.
        case varyMiss = "vary-miss"
        /// What was there had to be confirmed.
        case stale
        /// The client wanted to have it confirmed.
        case request
        /// What was there covers a part of what was asked for.
        case partial
    }

    /// Whether the answer came from the store, with nothing sent on.
    var isHit = false
    var forward: Forward?
    /// The status of the answer to what was sent on.
    var forwardStatus: Int?
    /// Whether the answer is kept now.
    var isStored = false
    /// Whether others' requests for the same were waited for.
    var isCollapsed = false
    /// More for a person, such as why the swarm did not help: a token.
    var detail: String?

    static let hit = CacheStatus(isHit: true)

    var description: String {
        var text = "darter"
        if isHit { text += "; hit" }
        if let forward { text += "; fwd=\(forward.rawValue)" }
        if let forwardStatus { text += "; fwd-status=\(forwardStatus)" }
        if isStored { text += "; stored" }
        if isCollapsed { text += "; collapsed" }
        if let detail { text += "; detail=\(detail)" }
        return text
    }
}

extension HTTPFields {
    /// Sets a field whose name is not one of the library's; a name that is none of HTTP's changes nothing.
    mutating func set(_ name: String, _ value: String?) {
        guard let name = HTTPField.Name(name) else { return }
        self[name] = value
    }

    /// Says how the cache took part.
    mutating func set(_ status: CacheStatus) { set("Cache-Status", status.description) }
}
