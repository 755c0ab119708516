import BackendAPI
import Content

/// One registrant's way to a task's content.
struct Source: Sendable {
    let resource: Resource
    let credentials: Credentials

    /// What tells this source from others: the URL and the credentials, hashed, so that it can be kept without them.
    var key: Digest {
        var hasher = DigestHasher()
        for text in [resource.url.text] + credentials.headers.flatMap({ [$0.name.lowercased(), $0.value] }) {
            hasher.update(Array("\(text.utf8.count):\(text)".utf8))
        }
        return hasher.finalize()
    }
}

/// Who may have a task's content.
///
/// A pure value.
///
/// Content that was fetched without credentials is open to everybody. For any other, the origin that it came from is asked
/// about each registrant's own credentials, and its word is remembered for a short time. An origin that the content did not
/// come from proves nothing: it could say yes to everything.
struct SourceAccess: Sendable {
    /// Whether the content was fetched without credentials or put into the store.
    var isOpen = false
    /// The origins (scheme, host and port) whose content it is.
    private var origins: Set<String> = []
    /// Until when the origin's word on a source is believed.
    private var permitted: [Digest: ContinuousClock.Instant] = [:]

    /// What is to be done about a registrant.
    enum Decision: Equatable {
        case allow
        /// Ask the origin whether it accepts these credentials.
        case askOrigin
        /// This source can not prove anything about the content that is here.
        case refuse
    }

    /// Content that came from `origin`, or from nowhere (nil) when it was put.
    init(isOpen: Bool, origin: String?) {
        self.isOpen = isOpen
        if let origin { origins.insert(origin) }
    }

    mutating func decide(_ source: Source?, at now: ContinuousClock.Instant) -> Decision {
        if isOpen { return .allow }
        guard let source else { return .refuse }
        permitted = permitted.filter { $0.value > now }
        if permitted[source.key] != nil { return .allow }
        return origins.contains(source.resource.url.origin) ? .askOrigin : .refuse
    }

    mutating func permit(_ source: Source, until deadline: ContinuousClock.Instant) {
        permitted[source.key] = deadline
    }
}
