internal import Glibc
internal import Logging
internal import Synchronization

extension CacheStore {
    /// Why nothing can be kept at present; nil where the directory is as the store needs it.
    ///
    /// Looks at the file system: a directory that was removed, replaced or mounted read-only while it was in use. A full disk
    /// is nothing of that kind, the store makes room.
    package func trouble() -> String? {
        guard lock.isStillAt(path("lock")) else {
            return "\(directory) was removed or replaced while it was in use: start the process anew"
        }
        for name in ["incoming", "objects"] where access(path(name), W_OK | X_OK) != 0 {
            return "\(path(name)) can not be written: \(String(cString: strerror(errno)))"
        }
        return nil
    }

    /// Says in the log when nothing can be kept any longer, and when that is over; once each.
    func note(_ outcome: Result<PieceFile, StoreError>) {
        switch outcome {
        case .success:
            guard isTroubled.exchange(false, ordering: .relaxed) else { return }
            logger.notice("content is kept again", metadata: ["directory": "\(directory)"])
        case .failure(let error):
            guard error.code.errno != nil, !isTroubled.exchange(true, ordering: .relaxed) else { return }
            logger.warning(
                "nothing new can be kept, content comes straight from where it is",
                metadata: ["directory": "\(directory)", "error": "\(trouble() ?? error.description)"]
            )
        }
    }
}
