import BackendAPI
import CacheStore
import Content
import CurlTransport
import DownloadTool
import PeerEngine
import Testing
import WireAPI

@Suite struct FailureTests {
    @Test("The exit status says what kind of failure it was")
    func statuses() throws {
        let supernode = try #require(SupernodeAddress("sn:8002"))
        let dead = DownloadError(.unavailable, "http://sn:8002: no route")
        #expect(ToolFailure(dead, supernodes: [supernode]).status == .network)
        #expect(ToolFailure(DownloadError(.unavailable, "http://origin: 500")).status == .origin)
        #expect(ToolFailure(DownloadError(.notFound, "")).status == .notFound)
        #expect(ToolFailure(DownloadError(.unauthorized, "")).status == .denied)
        #expect(ToolFailure(DownloadError(.digestMismatch, "")).status == .mismatch)
        #expect(ToolFailure(DownloadError(.storageFull, "")).status == .local)
        #expect(ToolFailure(WireError(.originForbidden, "")).status == .denied)
        #expect(ToolFailure(WireError(.originUnavailable, "")).status == .origin)
        #expect(ToolFailure(WireError(.unknownTask, "")).status == .notFound)
        #expect(ToolFailure(StoreError(.diskFull, "")).status == .local)
        #expect(ToolFailure(StoreError(.contentMismatch, "")).status == .mismatch)
        #expect(ToolFailure(TransferError(.cannotResolve, "")).status == .network)
        #expect(ToolFailure(TransferError(.timedOut, "")).status == .timeout)
    }

    @Test("An error on the way through a sink keeps what it was")
    func wrapped() {
        let cause = StoreError(.diskFull, "write: No space left on device")
        let failure = ToolFailure(any: TransferError(.refusedBySink, "refused", cause: cause))
        #expect(failure.status == .local)
        #expect(failure.message.contains("No space left"))
    }

    @Test("Every exit status is in the help, with its meaning")
    func table() {
        for status in ExitStatus.allCases {
            #expect(ExitStatus.table.contains("\(status.rawValue)  \(status.meaning)"))
        }
    }
}
