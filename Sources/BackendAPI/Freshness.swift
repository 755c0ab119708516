public import Content

/// How long content may be used without asking its origin again (RFC 9111).
public struct Freshness: Sendable, Hashable {
    /// From now on; nil where the origin does not say.
    public var maxAge: Duration?
    /// It is not to be kept beyond this use (`no-store`).
    public var noStore: Bool
    /// It may be kept, but not used without asking (`no-cache`).
    public var noCache: Bool
    /// Once stale, it must not be used, even if the origin can not be reached.
    public var mustRevalidate: Bool
    /// It is meant for one user only.
    public var isPrivate: Bool
    /// It never changes (RFC 8246).
    public var isImmutable: Bool

    /// The origin said nothing, or this.
    public init(
        maxAge: Duration? = nil,
        noStore: Bool = false,
        noCache: Bool = false,
        mustRevalidate: Bool = false,
        isPrivate: Bool = false,
        isImmutable: Bool = false
    ) {
        self.maxAge = maxAge
        self.noStore = noStore
        self.noCache = noCache
        self.mustRevalidate = mustRevalidate
        self.isPrivate = isPrivate
        self.isImmutable = isImmutable
    }

    /// What a response's header says to a shared cache: s-maxage before max-age before Expires, less its Age.
    ///
    /// A malformed lifetime counts as 0 (RFC 9111 §4.2.1).
    public init(fields: HeaderFields) {
        self.init()
        var ages: [String: Duration] = [:]
        for directive in fields.elements(of: "Cache-Control") {
            let parts = directive.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = parts[0].lowercased()
            switch name {
            case "no-store": noStore = true
            // With field names it speaks of these fields only, which Darter does not keep apart: the stricter reading.
            case "no-cache": noCache = true
            case "must-revalidate", "proxy-revalidate": mustRevalidate = true
            case "private": isPrivate = true
            case "immutable": isImmutable = true
            case "max-age", "s-maxage":
                let value = parts.count == 2 ? parts[1].filter { $0 != "\"" } : ""
                let age = deltaSeconds(value) ?? .zero
                ages[name] = ages[name].map { min($0, age) } ?? age
            default: break
            }
        }
        if let told = ages["s-maxage"] ?? ages["max-age"] ?? Self.expiry(fields) {
            let age = fields["Age"].flatMap { deltaSeconds($0) } ?? .zero
            maxAge = max(.zero, told - age)
        }
    }

    /// Whether content that was told fresh `age` ago may be used without asking.
    ///
    /// Where the origin said nothing, it may not.
    public func isFresh(after age: Duration) -> Bool {
        guard !noStore, !noCache, let maxAge else { return false }
        return age < maxAge
    }

    private static func expiry(_ fields: HeaderFields) -> Duration? {
        guard let expires = fields["Expires"] else { return nil }
        guard let end = HTTPDate(expires)?.seconds, let now = fields["Date"].flatMap({ HTTPDate($0)?.seconds })
        else { return .zero }
        return .seconds(max(0, end - now))
    }
}

/// RFC 9111 §1.2.2: digits; more than can be said is very long.
func deltaSeconds(_ text: some StringProtocol) -> Duration? {
    guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
    else { return nil }
    return .seconds(min(Int64(text) ?? 1 << 31, 1 << 31))
}
