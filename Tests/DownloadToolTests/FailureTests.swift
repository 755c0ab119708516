import BackendAPI
import CacheStore
import Content
import CurlTransport
import DownloadTool
import Testing
import WireAPI

@Suite struct FailureTests {
    /// The exit status of what each node can meet with, whichever node it is.
    static let statuses: [(WireError.Code, Int32)] = [
        (.originNotFound, 8), (.unknownTask, 8),
        (.originUnauthorized, 6), (.originForbidden, 6), (.sourceRefused, 6),
        (.sourceUnverified, 6), (.unauthenticated, 6),
        (.originUnreachable, 4), (.originUntrusted, 4), (.supernodeUnreachable, 4),
        (.shuttingDown, 4),
        (.originUnavailable, 5), (.originThrottled, 5),
        (.digestMismatch, 9),
        (.storageFull, 3), (.storageFailed, 3),
        (.internalError, 1), (.init(rawValue: "of_tomorrow"), 1),
    ]

    @Test("The exit status says what kind of failure it was", arguments: statuses)
    func status(code: WireError.Code, status: Int32) {
        #expect(ToolFailure(WireError(code, "")).status.rawValue == status)
    }

    @Test("What happens on this machine has the status that it has elsewhere")
    func own() {
        #expect(ToolFailure(any: StoreError(.diskFull, "")).status == .local)
        #expect(ToolFailure(any: StoreError(.io(5), "")).status == .local)
        #expect(ToolFailure(any: StoreError(.contentMismatch, "")).status == .mismatch)
        #expect(ToolFailure(TransferError(.cannotResolve, "")).status == .network)
        #expect(ToolFailure(TransferError(.timedOut, "")).status == .timeout)
    }

    @Test("An advice comes from whoever is nearest to the trouble")
    func advice() {
        let full = WireError(.storageFull, "no room")
        #expect(ToolFailure(full).message == "no room; free some space and run the same command again")
        #expect(ToolFailure(full.advising("raise store.quota")).message == "no room; raise store.quota")
        #expect(full.advising("first").advising("second").advice == "first")
        #expect(ToolFailure(WireError(.internalError, "oh")).message == "oh")
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
