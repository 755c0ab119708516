package import BackendAPI
import Content
package import WireAPI

extension HeadResponse {
    /// What a peer is told of an origin's answer.
    package init(_ head: ContentHead) {
        self.init(headers: head.headers, freshness: Freshness(head.freshness))
        length = head.length
        digest = head.digest
        entityTag = head.validators.entityTag
        lastModified = head.validators.lastModified
        lastModifiedIsStrong = head.validators.lastModifiedIsStrong
        acceptsRanges = head.acceptsRanges
        vary = head.vary
    }

    /// The origin's answer as a supernode tells it.
    package var head: ContentHead {
        ContentHead(
            length: length.map { max(0, $0) },
            validators: Validators(
                entityTag: entityTag,
                lastModified: lastModified,
                lastModifiedIsStrong: lastModifiedIsStrong ?? false
            ),
            freshness: freshness.value,
            digest: digest,
            acceptsRanges: acceptsRanges ?? false,
            headers: headers,
            vary: vary ?? []
        )
    }
}

extension HeadResponse.Freshness {
    fileprivate init(_ freshness: BackendAPI.Freshness) {
        self.init()
        maxAgeSeconds = freshness.maxAge?.seconds
        noStore = freshness.noStore
        noCache = freshness.noCache
        mustRevalidate = freshness.mustRevalidate
        isPrivate = freshness.isPrivate
        isImmutable = freshness.isImmutable
    }

    fileprivate var value: BackendAPI.Freshness {
        // What is said in seconds may be no time at all: RFC 9111 §1.2.2 ends at 2^31.
        let age = maxAgeSeconds.flatMap { $0.isFinite ? Duration.seconds(min(max(0, $0), 0x1p31)) : nil }
        return BackendAPI.Freshness(
            maxAge: age,
            noStore: noStore ?? false,
            noCache: noCache ?? false,
            mustRevalidate: mustRevalidate ?? false,
            isPrivate: isPrivate ?? false,
            isImmutable: isImmutable ?? false
        )
    }
}
