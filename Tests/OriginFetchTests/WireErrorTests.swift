import BackendAPI
import OriginFetch
import Testing
import WireAPI

@Suite struct WireErrorTests {
    @Test(
        "What makes no sense is told apart from what is not allowed, and from the origin's no",
        arguments: [
            (BackendError(.refused, "no"), WireError.Code.sourceRefused),
            (.init(.invalidRequest, "no"), .invalidRequest),
            (.init(.unsupported, "no"), .invalidRequest), (.init(.invalidRequest, "no", status: 405), .sourceRefused),
        ]
    )
    func codes(error: BackendError, code: WireError.Code) { #expect(WireError(error).code == code) }
}
