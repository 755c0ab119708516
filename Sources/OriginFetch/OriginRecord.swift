package import BackendAPI
package import Content
import FoundationEssentials
package import WireAPI

/// What is kept of an origin's answer beside a task's content: enough to revalidate it, to continue it, and to answer
/// clients as the origin would.
///
/// Never holds credentials.
package struct OriginRecord: Sendable, Hashable, Codable {
    /// The URL it came from, without credentials and query; nil for content that was put into the store.
    package var url: ResourceURL?
    /// The digest the content must have, where one is known.
    package var digest: Digest?
    /// RFC 9110 §8.8.
    package var validators: Validators
    /// Until when the content is fresh without asking again, in seconds since 1970; nil: ask every time.
    package var freshUntil: Double?
    /// When the origin itself gave or last confirmed the content, in seconds since 1970; nil: nobody knows.
    package var generatedAt: Double?
    /// Headers to replay to clients.
    package var headers: HeaderFields
    /// Whether anybody may have the content: it was fetched without credentials, or put into the store.
    package var openAccess: Bool

    package init(
        url: ResourceURL?,
        digest: Digest?,
        validators: Validators = Validators(),
        freshUntil: Double? = nil,
        generatedAt: Double? = nil,
        headers: HeaderFields = [:],
        openAccess: Bool
    ) {
        self.url = url.flatMap { $0.query == nil ? $0 : ResourceURL($0.withoutQuery) }
        self.digest = digest
        self.validators = validators
        self.freshUntil = freshUntil
        self.generatedAt = generatedAt
        self.headers = headers
        self.openAccess = openAccess
    }

    /// Reads what ``encoded`` wrote; nil for anything else, such as the record of another version of this program.
    package init?(_ bytes: [UInt8]) {
        guard let record = try? JSONDecoder().decode(Self.self, from: Data(bytes)) else { return nil }
        self = record
    }

    /// The record as the store keeps it.
    package var encoded: [UInt8] {
        // A value of strings and numbers always encodes; an empty record reads back as none.
        (try? JSONEncoder().encode(self)).map { [UInt8]($0) } ?? []
    }

    /// Whether the content may be used at `now` (seconds since 1970) without asking the origin.
    ///
    /// `named`: the digest that it is asked for by: what has it never changes. A digest that only the origin told names a version
    /// as good as an entity tag, and no more.
    package func isFresh(at now: Double, named: Digest?, _ demand: FreshnessDemand? = nil) -> Bool {
        if digest != nil, digest == named { return true }
        return (demand ?? .none).isMet(age: age(at: now), fresh: freshUntil.map { now < $0 } ?? false)
    }

    /// For how many seconds the origin's last word has stood at `now`; nil: nobody knows.
    package func age(at now: Double) -> Double? { generatedAt.map { max(0, now - $0) } }

    /// The origin says at `now` that the content is still the same: its new words take the place of the old ones (RFC 9111
    /// §4.3.4), but for those that speak of bytes, of which it sent none.
    package mutating func confirm(_ head: ContentHead, at now: Double) {
        let told = head.headers.filter { !$0.hasPrefix("content-") }
        let names = Set(told.map { $0.name.lowercased() })
        headers = headers.filter { !names.contains($0) }
        headers.append(contentsOf: told)
        generatedAt = now - head.age.seconds
        // What a 304 does not say stands as it was said before.
        let saysNothing = head.freshness == Freshness()
        freshUntil = saysNothing ? freshUntil(now - head.age.seconds) : head.freshness.freshUntil(now: now)
    }

    /// By the headers as they are, for content that the origin gave at `moment`.
    private func freshUntil(_ moment: Double) -> Double? { Freshness(fields: headers).freshUntil(now: moment) }

    /// Whether the origin's answer shows that it is about this very content, which has `length` where that is known: by the
    /// digest, or by validators.
    ///
    /// Without either only `unnamed` says so: to somebody else the origin may give other content of the same length.
    package func describes(_ head: ContentHead, length: Int64?, unnamed: Bool = false) -> Bool {
        if digest != nil, head.digest == digest { return true }
        if let length, let told = head.length, told != length { return false }
        return validators.entityTag == head.validators.entityTag
            && validators.lastModified == head.validators.lastModified
            && (unnamed || validators.entityTag != nil || validators.lastModified != nil)
    }

    /// Whether a second request can be told apart from one for another version: by a strong validator, a date, or in the
    /// end by the digest.
    package var canBeContinued: Bool {
        digest != nil || validators.strong != nil || validators.lastModified != nil
    }
}
