import CacheStore
import Testing
import WireAPI

@testable import ContentProxy

@Suite struct BlobSourceTests {
    @Test(
        "Whoever goes on",
        arguments: [
            (BlobSource.download, BlobFailure.failed, BlobSource?.some(.again)), (.download, .stalled, .direct),
            (.download, .storage, .direct), (.again, .failed, .direct), (.again, .stalled, .direct),
            (.again, .storage, .direct), (.direct, .failed, nil), (.direct, .stalled, nil), (.download, .wrong, nil),
            (.again, .wrong, nil), (.download, .gone, nil), (.again, .gone, nil), (.direct, .gone, nil),
        ]
    )
    func next(source: BlobSource, failure: BlobFailure, expected: BlobSource?) {
        #expect(source.next(after: failure) == expected)
    }

    @Test("What a failure means")
    func failures() {
        #expect(BlobFailure(WireError(.digestMismatch, "")) == .wrong)
        #expect(BlobFailure(WireError(.storageFull, "")) == .storage)
        #expect(BlobFailure(WireError(.originUnauthorized, "")) == .failed)
        #expect(BlobFailure(Stalled(patience: .seconds(1))) == .stalled)
        #expect(BlobFailure(ClientGone(cause: CancellationError())) == .gone)
        // Whoever reads a file hears of what has ended the download that fills it.
        let mismatch = StoreError(.failed, "", cause: WireError(.digestMismatch, ""))
        #expect(BlobFailure(mismatch) == .wrong)
        let broken = StoreError(.failed, "", cause: WireError(.supernodeUnreachable, ""))
        #expect(BlobFailure(broken) == .failed)
        #expect(BlobFailure(StoreError(.corrupt, "")) == .storage)
    }
}
