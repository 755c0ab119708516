package import BackendAPI
package import Content

extension Source {
    /// What tells this source from others: the URL and the credentials, hashed, so that it can be kept without them.
    package var key: Digest {
        var hasher = DigestHasher()
        for text in [resource.url.text] + credentials.texts { hasher.update(Array("\(text.utf8.count):\(text)".utf8)) }
        return hasher.finalize()
    }
}

/// What tells credentials from others, hashed, so that a right can be remembered without what proves it.
package struct CredentialKey: Sendable, Hashable {
    /// Nil for none, which is a right of its own: everybody's.
    private let digest: Digest?

    /// Of whoever shows nothing.
    package static let anonymous = CredentialKey(Credentials())

    package init(_ credentials: Credentials) {
        guard !credentials.isEmpty else {
            digest = nil
            return
        }
        var hasher = DigestHasher()
        for text in credentials.texts { hasher.update(Array("\(text.utf8.count):\(text)".utf8)) }
        digest = hasher.finalize()
    }
}

extension Credentials {
    fileprivate var texts: [String] { headers.flatMap { [$0.name.lowercased(), $0.value] } }
}
