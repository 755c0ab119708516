import WireAPI

/// Why none of a task's supernodes brought it to its end, in the order in which they were tried.
struct SupernodeFailures {
    private var errors: [DownloadError] = []

    mutating func add(_ error: DownloadError) { errors.append(error) }

    /// Whether a supernode refuses this node as it is set up, and always will.
    var isMisconfigured: Bool { errors.contains { [.unauthenticated, .unsupportedVersion].contains($0.code) } }

    /// What they come to: one that may be back soon can still bring the content, whatever the others say.
    var error: DownloadError {
        guard let last = errors.last else { return DownloadError(.supernodeUnreachable, "no supernode is configured") }
        guard let passing = errors.last(where: \.mayPass) else { return last }
        let others = errors.filter { !$0.mayPass }.map(\.message)
        return DownloadError(passing.code, ([passing.message] + others).joined(separator: "; "))
    }
}

extension DownloadError {
    /// Whether a supernode may do what it could not do just now: one that is being restarted may say so before it is gone.
    var mayPass: Bool { code == .supernodeUnreachable || code == .shuttingDown }
}
