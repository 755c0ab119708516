package import BackendAPI
package import Content
import FoundationEssentials

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
    /// Headers to replay to clients.
    package var headers: HeaderFields
    /// Whether anybody may have the content: it was fetched without credentials, or put into the store.
    package var openAccess: Bool

    package init(
        url: ResourceURL?,
        digest: Digest?,
        validators: Validators = Validators(),
        freshUntil: Double? = nil,
        headers: HeaderFields = [:],
        openAccess: Bool
    ) {
        self.url = url.flatMap { $0.query == nil ? $0 : ResourceURL($0.withoutQuery) }
        self.digest = digest
        self.validators = validators
        self.freshUntil = freshUntil
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

    /// Whether the content may be used at `now` (seconds since 1970) without asking the origin: what is named by its digest
    /// never changes.
    package func isFresh(at now: Double) -> Bool {
        digest != nil || freshUntil.map { now < $0 } ?? false
    }

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
