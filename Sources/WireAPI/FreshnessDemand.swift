/// What a request wants of the age of content that is here already, besides its origin's word (RFC 9111 §5.2.1).
package struct FreshnessDemand: Sendable, Hashable, Codable {
    /// For so many seconds content is good, whatever the origin says; absent: as long as the origin says.
    package var lifetime: Double?
    /// Nothing is good that the origin gave or confirmed longer ago than this, in seconds: 0 asks the origin in any case.
    package var maxAge: Double?

    package init(lifetime: Double? = nil, maxAge: Double? = nil) {
        self.lifetime = lifetime
        self.maxAge = maxAge
    }

    /// The origin's word is enough.
    package static let none = FreshnessDemand()

    /// Whether content is good that its origin gave or confirmed `age` seconds ago (nil: nobody knows) and that is fresh by its
    /// word or not.
    package func isMet(age: Double?, fresh: Bool) -> Bool {
        if let maxAge {
            guard let age, age < maxAge else { return false }
        }
        guard let lifetime else { return fresh }
        return age.map { $0 < lifetime } ?? false
    }
}
