import Testing
import WireAPI

@testable import PeerEngine

@Suite struct SupernodeFailuresTests {
    @Test(
        "As long as any supernode may be back, a download may wait, in whatever order they were tried",
        arguments: [
            ([.supernodeUnreachable], true), ([.shuttingDown], true), ([], true),
            ([.supernodeUnreachable, .unauthenticated], true), ([.storageFull, .supernodeUnreachable], true),
            ([.shuttingDown, .internalError, .sourceUnverified], true),
            ([.unauthenticated], false), ([.storageFull, .unauthenticated], false),
        ] as [([WireError.Code], Bool)]
    )
    func mayWait(codes: [WireError.Code], expected: Bool) {
        var failures = SupernodeFailures()
        for code in codes { failures.add(DownloadError(code, "\(code)")) }
        #expect(failures.error.mayPass == expected)
    }

    @Test("What is told names the refusals, too")
    func message() {
        var failures = SupernodeFailures()
        failures.add(DownloadError(.supernodeUnreachable, "a: gone"))
        failures.add(DownloadError(.unauthenticated, "b: the token is wrong"))
        #expect(failures.error == DownloadError(.supernodeUnreachable, "a: gone; b: the token is wrong"))
        #expect(failures.isMisconfigured)
    }
}
