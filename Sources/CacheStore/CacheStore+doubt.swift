internal import Content
internal import Glibc
internal import Logging
internal import Synchronization

extension CacheStore {
    /// Serves nothing more of an object until its bytes have been verified, which is queued.
    func doubt(_ object: Int64, _ reason: String) {
        let isNew = catalog.withLock { catalog in
            guard let stored = catalog.objects[object], !stored.isDoubtful else { return false }
            catalog.objects[object]?.isDoubtful = true
            return true
        }
        guard isNew else { return }
        logger.warning("an object is verified again: \(reason)")
        background.submit { buffer in
            self.resolveDoubt(object, through: buffer)
            return nil
        }
    }

    private func resolveDoubt(_ object: Int64, through buffer: UnsafeMutableRawBufferPointer) {
        guard let stored = catalog.withLock({ $0.objects[object] }), !stored.isGone else { return }
        guard let stamp = verify(stored, through: buffer, pause: { _ in }) else {
            drop(object, "its bytes are not those of its digest")
            return
        }
        catalog.withLock { catalog in
            guard catalog.objects[object] != nil else { return }
            catalog.objects[object]?.isDoubtful = false
            catalog.objects[object]?.row.stamp = stamp
            if let row = catalog.objects[object]?.row { writer.append([.putObject(row)]) }
        }
    }

    /// Hashes every piece of a complete object; the file's stamp if all are right.
    func verify(
        _ object: StoredObject,
        through buffer: UnsafeMutableRawBufferPointer,
        pause: (Int64) -> Void
    ) -> FileStamp? {
        guard let task = catalog.withLock({ catalog in object.tasks.first.flatMap { catalog.tasks[$0]?.row } })
        else { return nil }
        do throws(StoreError) {
            let checks = try writer.pieces(of: task.ref)
            guard checks.count == task.layout.pieceCount else { return nil }
            let descriptor = try FileAccess.open(path(object.path), O_RDONLY)
            defer { Glibc.close(descriptor) }
            let stamp = try FileStamp(descriptor: descriptor)
            guard stamp.size == task.layout.length else { return nil }
            for (piece, check) in checks.sorted(by: { $0.key < $1.key }) {
                guard let range = task.layout.range(of: piece),
                    try PieceCodes.agree(codes, check, range, in: descriptor, through: buffer)
                else { return nil }
                pause(range.count)
            }
            return try FileStamp(descriptor: descriptor) == stamp ? stamp : nil
        } catch {
            logger.error("an object can not be verified: \(error)")
            return nil
        }
    }

    /// Forgets every task of an object that is not what it should be; who reads it gets the error.
    func drop(_ object: Int64, _ reason: String) {
        let tasks = catalog.withLock { $0.objects[object]?.tasks ?? [] }
        for task in tasks {
            let (file, row) = catalog.withLock { ($0.tasks[task]?.file.value, $0.tasks[task]?.row) }
            if let row { forget(row, reason) }
            file?.fail(StoreError(.corrupt, reason))
        }
    }
}
