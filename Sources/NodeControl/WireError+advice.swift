import WireAPI

extension WireError {
    /// What clients on the control socket are told of what went wrong at this node: with what its operator can do about it.
    var atNode: WireError {
        switch code {
        case .originUntrusted:
            advising(
                "dfdaemon fetches it: give it ca_file (or insecure: true) in a backends: entry of its configuration, or use --cacerts or --insecure, which bypass it"
            )
        // Not the origin's no, which comes with a status.
        case .sourceRefused where detail["status"] == nil:
            advising("where dfdaemon may go is up to its configuration: origin.allow_addresses and backends:")
        case .storageFull: advising("dfdaemon has no room: free some there, or raise its store.quota")
        case .storageFailed, .internalError: advising("this went wrong at dfdaemon: see its log")
        default: self
        }
    }
}
