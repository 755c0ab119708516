package import Content
internal import Glibc
internal import Logging
internal import Synchronization

extension CacheStore {
    /// Verifies the content of a whole file and makes it an object.
    ///
    /// With `hashContent` the content is hashed and compared with every digest that is expected; without, the pieces'
    /// digests are taken to vouch for `expected`. The object can be served at once; syncing it and moving it under its
    /// name follow in the background. Two tasks with the same content share one file from then on.
    ///
    /// Returns the content's digest: its SHA-256 where that was computed or expected, otherwise the first one expected.
    /// Throws `.contentMismatch`, and then the task is forgotten.
    @discardableResult
    package func complete(
        _ file: PieceFile,
        expecting expected: [Digest],
        hashContent: Bool
    ) async throws(StoreError) -> Digest? {
        guard file.isWhole else { throw StoreError(.outOfRange, "the content is not whole") }
        var digests = expected
        // The store's own codes vouch for nothing.
        if hashContent || file.checks.contains(where: { $0.value.digest == nil }) {
            digests = []
            let algorithms = expected.isEmpty ? [.sha256] : Set(expected.map(\.algorithm)).sorted { $0.rank < $1.rank }
            for algorithm in algorithms {
                let digest = try await file.contentDigest(algorithm)
                guard expected.allSatisfy({ $0.algorithm != algorithm || $0 == digest }) else {
                    throw reject(file, digest, expected)
                }
                digests.append(digest)
            }
        }
        // MD5 names nothing: two contents with the same one can be made.
        digests = digests.filter { $0.algorithm != .md5 }.sorted { $0.algorithm.rank < $1.algorithm.rank }
        if configuration.servesPieces || digests.first?.algorithm != .sha256 { try await file.makeDigests() }
        faults.hit("verified")
        try adopt(file, digests)
        return digests.first
    }

    private func reject(_ file: PieceFile, _ digest: Digest, _ expected: [Digest]) -> StoreError {
        let wanted = Set(expected.map(\.description)).sorted().joined(separator: ", ")
        let error = StoreError(.contentMismatch, "the content is \(digest), not \(wanted)")
        if let journal = file.journal as? StoreJournal {
            discard(
                catalog.withLock { catalog in
                    catalog.task(file.task, ref: journal.ref) == nil ? nil : take(file.task, from: &catalog)
                }
            )
        }
        file.fail(error)
        return error
    }

    /// The task becomes complete, with an object of its own or with one that is there.
    private func adopt(_ file: PieceFile, _ digests: [Digest]) throws(StoreError) {
        guard let journal = file.journal as? StoreJournal, journal.store === self else {
            throw StoreError(.failed, "the file is not one of this store")
        }
        let name =
            digests.first.flatMap { ObjectName(content: $0) }
            ?? ObjectName(layout: file.layout, pieces: file.pieceDigests)
        let stamp = try FileStamp(descriptor: file.descriptor)
        let (isNew, trash): (Bool, String?) = catalog.withLock { catalog in
            guard !catalog.isClosed, var task = catalog.task(file.task, ref: journal.ref), !task.row.isComplete
            else { return (false, nil) }
            task.row.isComplete = true
            task.row.lastUsed = secondsSince1970()
            if let shared = sharable(name, in: catalog) {
                return (false, share(shared, task, digests, &catalog))
            }
            let old = replace(name, by: journal.object, &catalog)
            catalog.settleCharge(of: journal.object, at: stamp.size)
            catalog.objects[journal.object]?.row.name = name
            catalog.objects[journal.object]?.row.digests = digests
            catalog.objects[journal.object]?.row.stamp = stamp
            catalog.byName[name] = journal.object
            for digest in digests { catalog.byDigest[digest] = journal.object }
            catalog.tasks[file.task] = task
            if let object = catalog.objects[journal.object] {
                writer.append([.putObject(object.row), .putTask(task.row)])
            }
            return (true, old)
        }
        discard(trash)
        if isNew {
            background.submit { _ in
                self.settle(journal.object)
                return nil
            }
        }
    }

    /// The object that has the name already is in doubt: its tasks get the new one, whose bytes have just been verified.
    private func replace(_ name: ObjectName, by object: Int64, _ catalog: inout Catalog) -> String? {
        guard let old = catalog.byName[name] else { return nil }
        let (tasks, gone) = catalog.moveTasks(from: old, to: object)
        writer.append(tasks.map { .putTask($0) } + [.dropObject(old)])
        return gone.flatMap { moveToTrash($0) }
    }

    /// The object of that name, if its file is as it was left.
    private func sharable(_ name: ObjectName, in catalog: Catalog) -> StoredObject? {
        guard let object = catalog.byName[name].flatMap({ catalog.objects[$0] }), !object.isDoubtful,
            let known = object.row.stamp, let stamp = FileStamp(path: path(object.path)), stamp.sameBytes(as: known)
        else { return nil }
        return object
    }

    /// Gives the task the object that is there; its own file goes with the last who holds it.
    private func share(
        _ object: StoredObject,
        _ task: StoredTask,
        _ digests: [Digest],
        _ catalog: inout Catalog
    ) -> String? {
        var task = task
        let trash = take(task.row.id, from: &catalog)
        task.row.ref = catalog.takeRef()
        task.row.object = object.row.ref
        catalog.insert(task)
        var row = object.row
        for digest in digests where !row.digests.contains(digest) {
            row.digests.append(digest)
            catalog.byDigest[digest] = row.ref
        }
        catalog.objects[row.ref]?.row = row
        // The caller holds the file: this is not its last reference.
        let pieces = task.file.value?.checks ?? [:]
        let changes = pieces.map { IndexChange.addPiece(task: task.row.ref, $0.key, $0.value) }
        writer.append(changes + [.putTask(task.row), .putObject(row)])
        return trash
    }

    /// Syncs a complete file and moves it under its name; on the background thread.
    ///
    /// The index names the object before the file moves, so that after a crash it is found in either place. Holds no
    /// ``PieceFile``: an object that waits for the disk can be evicted.
    func settle(_ object: Int64) {
        guard let stored = catalog.withLock({ $0.objects[object] }), let name = stored.row.name, !stored.isGone
        else { return }
        do throws(StoreError) {
            try synchronize(file: path(stored.path))
            faults.hit("synced")
            try writer.flushBlocking()
            try FileAccess.makeDirectory(path(name.directory))
            let moved: Result<Void, StoreError> = catalog.withLock { catalog in
                guard let current = catalog.objects[object], !current.isGone, !current.row.isSettled
                else { return .success(()) }
                guard rename(path(current.path), path(name.path)) == 0 else { return .failure(.system("rename")) }
                faults.hit("renamed")
                catalog.objects[object]?.row.isSettled = true
                if let row = catalog.objects[object]?.row { writer.append([.putObject(row)]) }
                return .success(())
            }
            try moved.get()
            try FileAccess.synchronize(directory: path(name.directory))
            faults.hit("settled")
        } catch {
            // Evicted meanwhile.
            guard catalog.withLock({ $0.objects[object].map { !$0.isGone } ?? false }) else { return }
            // It stays where it is, and is served from there; the next start tries again.
            logger.error("a complete object is not moved to its place: \(error)")
            note(unmovedTo: name.directory)
        }
    }

    private func synchronize(file: String) throws(StoreError) {
        let descriptor = try FileAccess.open(file, O_RDONLY)
        defer { Glibc.close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .system("fsync \(file)") }
    }
}

extension Digest.Algorithm {
    /// SHA-256 first: it names objects.
    var rank: Int {
        switch self {
        case .sha256: 0
        case .sha512: 1
        case .md5: 2
        }
    }
}
