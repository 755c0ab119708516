internal import Content
internal import Glibc
internal import Logging
internal import Synchronization

extension CacheStore {
    /// Evicts until `bytes` more fit, and charges them in the same step.
    func makeRoom(for bytes: Int64, _ charge: @Sendable (inout Catalog) -> Void) throws(StoreError) {
        while true {
            let free = try freeSpace(of: directory)
            let (room, trash): (Catalog.Room, String?) = catalog.withLock { catalog in
                guard !catalog.isClosed else { return (.refused(StoreError(.closed, "the store is closed")), nil) }
                let room = catalog.room(for: bytes, free: free)
                switch room {
                case .enough: charge(&catalog)
                case .refused: break
                case .evict(let task): return (room, take(task, from: &catalog))
                }
                return (room, nil)
            }
            discard(trash)
            switch room {
            case .enough: return
            case .refused(let error): throw error
            case .evict(let task): logger.debug("evicted", metadata: ["task": "\(task)"])
            }
        }
    }

    private func freeSpace(of path: String) throws(StoreError) -> Int64 {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { throw .system("statvfs \(path)") }
        return Int64(clamping: UInt64(status.f_bavail) * UInt64(status.f_frsize))
    }

}
