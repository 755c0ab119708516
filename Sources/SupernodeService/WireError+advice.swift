import WireAPI

extension WireError {
    /// What peers are told of what went wrong at this supernode: with what its operator can do about it.
    var atSupernode: WireError {
        switch code {
        case .cancelled: WireError(.shuttingDown, "the supernode is shutting down")
        case .originUntrusted:
            advising(
                "the supernode fetches it: give it ca_file (or insecure: true) in a backends: entry of its configuration, or go there yourself with --pattern source, for which --cacerts and --insecure count"
            )
        // Not the origin's no, which comes with a status.
        case .sourceRefused where detail["status"] == nil:
            advising("where the supernode may go is up to its configuration: origin.allow_addresses and backends:")
        case .storageFull: advising("the supernode has no room: free some there, or raise its store.quota")
        case .storageFailed, .internalError: advising("this went wrong at the supernode: see its log")
        default: self
        }
    }
}
