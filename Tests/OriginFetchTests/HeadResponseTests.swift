import BackendAPI
import Content
import OriginFetch
import Testing
import WireAPI

@Suite struct HeadResponseTests {
    @Test(
        "Whatever a supernode tells of lengths and times, it makes sense here",
        arguments: [
            (-1.0, Duration.zero), (1.5, .milliseconds(1500)), (1e300, .seconds(1 << 31)), (.infinity, nil),
            (.nan, nil), (nil, nil),
        ] as [(Double?, Duration?)]
    )
    func hostile(told: Double?, understood: Duration?) {
        var response = HeadResponse(headers: [:])
        response.length = -7
        response.freshness.maxAgeSeconds = told
        #expect(response.head.freshness.maxAge == understood)
        #expect(response.head.length == 0)
    }
}
