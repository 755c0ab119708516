import BackendAPI
import Content
import OriginFetch
import Testing

@Suite struct OriginRecordTests {
    private let url = ResourceURL("https://a.test/x")

    private func head(_ length: Int64?, _ validators: Validators, digest: Digest? = nil) -> ContentHead {
        var head = ContentHead()
        head.length = length
        head.validators = validators
        head.digest = digest
        return head
    }

    @Test("An answer is about the same content only if a digest or validators say so")
    func describes() {
        let named = Validators(entityTag: "\"a\"")
        let other = Validators(entityTag: "\"b\"")
        let dated = Validators(lastModified: "Sun, 06 Nov 1994 08:49:37 GMT")
        let digest = Digest.of("content")
        let tagged = OriginRecord(url: url, digest: nil, validators: named, openAccess: false)
        #expect(tagged.describes(head(7, named), length: 7))
        #expect(!tagged.describes(head(8, named), length: 7))
        #expect(!tagged.describes(head(7, other), length: 7))
        #expect(!tagged.describes(head(7, Validators()), length: 7))
        let changed = OriginRecord(url: url, digest: nil, validators: dated, openAccess: false)
        #expect(changed.describes(head(7, dated), length: 7))
        let bare = OriginRecord(url: url, digest: nil, openAccess: false)
        #expect(!bare.describes(head(7, Validators()), length: 7))
        #expect(bare.describes(head(7, Validators()), length: 7, unnamed: true))
        #expect(!bare.describes(head(8, Validators()), length: 7, unnamed: true))
        #expect(!bare.describes(head(7, named), length: 7, unnamed: true))
        let known = OriginRecord(url: url, digest: digest, openAccess: false)
        #expect(known.describes(head(7, named, digest: digest), length: 7))
        #expect(!known.describes(head(7, Validators()), length: 7))
    }
}
