package import BackendAPI
package import Content

extension Source {
    /// What tells this source from others: the URL and the credentials, hashed, so that it can be kept without them.
    package var key: Digest {
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
/// Content that was fetched without credentials is open to everybody; but an origin may have something else for whoever
/// shows some, unless the content is named by its digest. In this case and for any other content, the origin that it came
/// from is asked about each registrant's own credentials, and its word is remembered for a short time. An origin that the
/// content did not come from proves nothing: it could say yes to everything.
package struct SourceAccess: Sendable {
    /// Whether the content was fetched without credentials or put into the store.
    private let isOpen: Bool
    /// Whether the task is named by the content's digest: it is the same for everybody.
    private let isNamed: Bool
    /// The origin (scheme, host and port) whose content it is.
    private let origin: String?
    /// The source that brought the content, where that is known.
    private let bringer: Digest?
    /// Until when the origin's word on a source is believed.
    private var permitted: [Digest: ContinuousClock.Instant] = [:]

    /// What is to be done about a registrant.
    package enum Decision: Equatable {
        case allow
        /// Ask the origin whether it accepts these credentials.
        case askOrigin
        /// This source can not prove anything about the content that is here.
        case refuse
    }

    /// Access to the content of `task`.
    ///
    /// `bringer`: the source that brought it, where that is known.
    package init(_ record: OriginRecord, of task: TaskID, from bringer: Source? = nil) {
        isOpen = record.openAccess
        isNamed = record.digest.map { TaskID(content: $0) == task } ?? false
        origin = record.url?.origin
        self.bringer = bringer?.key
    }

    package mutating func decide(_ source: Source?, at now: ContinuousClock.Instant) -> Decision {
        if isOpen, isNamed || source?.credentials.isEmpty ?? true { return .allow }
        guard let source else { return .refuse }
        permitted = permitted.filter { $0.value > now }
        if permitted[source.key] != nil { return .allow }
        return source.resource.url.origin == origin ? .askOrigin : .refuse
    }

    /// Whether the content came from this very source: what the origin has for it needs no name.
    package func isBringer(_ source: Source) -> Bool { bringer == source.key }

    /// The most words of the origin that are remembered; whoever was forgotten is asked about again.
    private static let mostPermitted = 4096

    package mutating func permit(_ source: Source, until deadline: ContinuousClock.Instant) {
        if permitted.count >= Self.mostPermitted { permitted.removeAll() }
        permitted[source.key] = deadline
    }
}
