internal import Glibc
internal import Logging
internal import Synchronization

extension CacheStore {
    /// What is wrong with the directory.
    enum Trouble {
        /// No file can be made.
        case nothingKept
        /// Content is kept, but can not be moved to its place when it is complete.
        case nothingMoved
    }

    /// Why content can not be kept as it has to be at present; nil where it can.
    ///
    /// Makes a file, as whatever is kept begins with that. A full disk is no trouble of that kind, the store makes room.
    package func trouble() -> String? {
        guard let ref = catalog.withLock({ $0.isClosed ? nil : $0.takeRef() }) else { return nil }
        let name = "\(ref).trial"
        do throws(StoreError) {
            Glibc.close(try makeFile(name))
            unlink(path("incoming/\(name)"))
            return judge(nil)
        } catch {
            return error.code.errno == nil ? obstacle() : judge(error)
        }
    }

    /// Makes a file to be filled.
    func makeFile(_ name: String) throws(StoreError) -> Int32 {
        if let reason = replacement() { throw StoreError(.io(ESTALE), reason) }
        return try FileAccess.open(path("incoming/\(name)"), O_RDWR | O_CREAT | O_EXCL)
    }

    /// Hears of every attempt to keep something.
    func note(_ outcome: Result<PieceFile, StoreError>) {
        switch outcome {
        case .success: if knownTrouble.withLock({ $0 != nil }) { _ = judge(nil) }
        case .failure(let error): if error.code.errno != nil { _ = judge(error) }
        }
    }

    /// An object could not be moved there.
    func note(unmovedTo directory: String) {
        unmoved.withLock { _ = $0.insert(directory) }
        if knownTrouble.withLock({ $0 == nil }) { _ = judge(nil) }
    }

    /// The one opinion on the directory: from the last attempt to make a file, and from what can be seen besides.
    ///
    /// Says in the log what is wrong, and when that is over; once each.
    private func judge(_ failure: StoreError?) -> String? {
        let reason = obstacle() ?? failure?.description
        let trouble: Trouble? = reason == nil ? nil : failure == nil ? .nothingMoved : .nothingKept
        let isNews = knownTrouble.withLock { known in
            defer { known = trouble }
            return known != trouble
        }
        guard isNews else { return reason }
        let metadata: Logger.Metadata = ["directory": "\(directory)"]
        guard let reason else {
            logger.notice("content is kept again", metadata: metadata)
            return nil
        }
        logger.warning(
            failure == nil
                ? "content that is complete can not be moved to its place, and stays where it is"
                : "nothing new can be kept, content comes straight from where it is",
            metadata: metadata.merging(["error": "\(reason)"]) { $1 }
        )
        return reason
    }

    /// What stands in the way, as far as it shows from outside.
    private func obstacle() -> String? {
        if let reason = replacement() ?? fault(of: "incoming") ?? fault(of: "objects") { return reason }
        for name in unmoved.withLock({ $0.sorted() }) {
            // It may be missing because of what is above it.
            try? FileAccess.makeDirectory(path(name))
            if let reason = fault(of: name) { return reason }
            unmoved.withLock { _ = $0.remove(name) }
        }
        return nil
    }

    private func replacement() -> String? {
        lock.isStillAt(path("lock"))
            ? nil : "\(directory) was removed or replaced while it was in use: start the process anew"
    }

    private func fault(of name: String) -> String? {
        guard access(path(name), W_OK | X_OK) != 0 else { return nil }
        return "\(path(name)) can not be written: \(String(cString: strerror(errno)))"
    }
}
