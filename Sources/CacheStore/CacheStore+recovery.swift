internal import Content
internal import Glibc
package import Logging
internal import NodeConfig
internal import Synchronization

extension CacheStore {
    /// Opens the store in the configured directory, which it creates where it is missing.
    ///
    /// After the system went down without ``close()``, the pieces of incomplete tasks are hashed again first, and those
    /// that did not reach the disk are forgotten; after the mere death of a process the kernel still has every byte that
    /// was written before its index entry. Throws `.locked` where another process has the directory.
    package static func open(
        _ configuration: StoreConfiguration,
        logger: Logger,
        faults: FaultPoints = .none
    ) async throws(StoreError) -> CacheStore {
        try await open(configuration, logger: logger, faults: faults, bootID: currentBootID())
    }

    static func open(
        _ configuration: StoreConfiguration,
        logger: Logger,
        faults: FaultPoints = .none,
        bootID: String
    ) async throws(StoreError) -> CacheStore {
        let directory = configuration.directory
        try FileAccess.makeDirectory(directory)
        let lock = try DirectoryLock(path: "\(directory)/lock")
        // Other users of the machine have no business with content that may be private.
        for name in ["incoming", "objects"] { try FileAccess.makeDirectory("\(directory)/\(name)", mode: 0o700) }
        let (index, contents) = try openIndex("\(directory)/index.sqlite", logger)
        let store = CacheStore(
            configuration: configuration,
            lock: lock,
            threads: WorkerThreads(count: configuration.hashThreads),
            writer: IndexWriter(index: index, logger: logger, faults: faults),
            catalog: Catalog(),
            bootID: bootID,
            codes: PieceCodes(key: contents.codesKey),
            logger: logger,
            faults: faults
        )
        try await store.recover(contents)
        return store
    }

    static func currentBootID() throws(StoreError) -> String {
        let descriptor = try FileAccess.open("/proc/sys/kernel/random/boot_id", O_RDONLY)
        defer { Glibc.close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = read(descriptor, &bytes, bytes.count)
        guard count > 0 else { throw .system("read the boot id") }
        return String(decoding: bytes[..<count].prefix { $0 != 10 }, as: UTF8.self)
    }

    /// A cache whose index can not be read is an empty cache.
    private static func openIndex(
        _ path: String,
        _ logger: Logger
    ) throws(StoreError) -> (StoreIndex, IndexContents) {
        do throws(StoreError) {
            let index = try StoreIndex(path: path)
            return (index, try index.load())
        } catch {
            guard error.code == .corrupt else { throw error }
            logger.error("the index is broken, the cache starts empty: \(error)")
            for suffix in ["-wal", "-shm"] { unlink(path + suffix) }
            guard rename(path, path + ".broken") == 0 else { throw .system("rename \(path)") }
            var contents = IndexContents()
            contents.isClean = false
            return (try StoreIndex(path: path), contents)
        }
    }

    private func recover(_ contents: IndexContents) async throws(StoreError) {
        let crashed = !contents.isClean && contents.bootID != nil && contents.bootID != bootID
        try writer.index.setMark(bootID: bootID, isClean: false, codesKey: codes.key)
        var known: Set<String> = []
        let rows = Dictionary(contents.objects.map { ($0.ref, $0) }) { first, _ in first }
        for task in contents.tasks {
            guard let object = rows[task.object], load(task, object, crashed: crashed) else {
                writer.append([.dropTask(task.ref)])
                continue
            }
        }
        for object in contents.objects {
            if let stored = catalog.withLock({ $0.objects[object.ref] }) {
                known.insert(stored.path)
            } else {
                writer.append([.dropObject(object.ref)])
            }
        }
        catalog.withLock { catalog in
            catalog.usage.quota = configuration.quota?.bytes
            catalog.usage.freeSpaceFloor = configuration.freeSpaceFloor.bytes
            let refs = contents.tasks.map(\.ref) + contents.objects.map(\.ref)
            catalog.nextRef = (refs.max() ?? 0) + 1
        }
        removeOrphans(known, everywhere: !contents.isClean)
        try await loadPieces(of: contents.tasks.filter { !$0.isComplete }, rehash: crashed)
        let unsettled = catalog.withLock { $0.objects.values.filter { $0.row.name != nil && !$0.row.isSettled } }
        for object in unsettled where !object.isDoubtful {
            background.submit { _ in
                self.settle(object.row.ref)
                return nil
            }
        }
    }

    /// Returns whether the task's file is there.
    private func load(_ task: TaskRow, _ row: ObjectRow, crashed: Bool) -> Bool {
        guard task.isComplete == (row.name != nil) else { return false }
        var object = StoredObject(row: row, charged: 0, pending: 0)
        var stamp = FileStamp(path: path(object.path))
        if stamp == nil, row.name != nil, !row.isSettled {
            // The process ended between the move and its note in the index.
            object.row.isSettled = true
            stamp = FileStamp(path: path(object.path))
        }
        guard let stamp else { return false }
        let isComplete = task.isComplete
        object.charged = isComplete ? stamp.size : max(stamp.size, task.layout.length ?? 0)
        object.pending = isComplete ? 0 : object.charged
        let doubt = isComplete && (row.stamp.map { !$0.sameBytes(as: stamp) } ?? true || (crashed && !row.isSettled))
        catalog.withLock { catalog in
            if catalog.objects[row.ref] == nil { catalog.insert(object) }
            catalog.insert(StoredTask(row: task, committed: PieceSet()))
        }
        if object.row.isSettled != row.isSettled { writer.append([.putObject(object.row)]) }
        if doubt { self.doubt(row.ref, "\(object.path) is not known to be as it was committed") }
        return true
    }

    /// Files that the index does not know: from a process that ended before it could write them down or unlink them.
    private func removeOrphans(_ known: Set<String>, everywhere: Bool) {
        for name in FileAccess.names(in: path("incoming")) where !known.contains("incoming/\(name)") {
            unlink(path("incoming/\(name)"))
        }
        guard everywhere else { return }
        for kind in FileAccess.names(in: path("objects")) {
            for prefix in FileAccess.names(in: path("objects/\(kind)")) {
                let directory = "objects/\(kind)/\(prefix)"
                for name in FileAccess.names(in: path(directory)) where !known.contains("\(directory)/\(name)") {
                    unlink(path("\(directory)/\(name)"))
                }
            }
        }
    }

    private func loadPieces(of tasks: [TaskRow], rehash: Bool) async throws(StoreError) {
        for task in tasks {
            guard let object = catalog.withLock({ $0.object(of: task.id) }) else { continue }
            var pieces = try writer.pieces(of: task.ref)
            if rehash {
                let good = await verified(pieces, task.layout, path(object.path))
                let lost = pieces.keys.filter { !good.contains($0) }
                if !lost.isEmpty {
                    logger.notice("\(lost.count) pieces did not survive the crash", metadata: ["task": "\(task.id)"])
                    writer.append([.dropPieces(task: task.ref, lost)])
                    for piece in lost { pieces[piece] = nil }
                }
            }
            catalog.withLock { catalog in
                for piece in pieces.keys {
                    catalog.tasks[task.id]?.committed.insert(piece)
                    catalog.commit(task.layout.range(of: piece)?.count ?? 0, of: task.object)
                }
            }
        }
    }

    /// The pieces whose bytes are still those of their check, hashed in parallel.
    private func verified(_ pieces: [PieceIndex: PieceCheck], _ layout: PieceLayout, _ path: String) async -> PieceSet {
        guard let descriptor = try? FileAccess.open(path, O_RDONLY) else { return [] }
        defer { Glibc.close(descriptor) }
        return await verifiedPieces(pieces, codes, layout, descriptor, threads)
    }
}

/// The pieces whose bytes are those of their check, hashed in parallel.
func verifiedPieces(
    _ pieces: [PieceIndex: PieceCheck],
    _ codes: PieceCodes?,
    _ layout: PieceLayout,
    _ descriptor: Int32,
    _ threads: WorkerThreads
) async -> PieceSet {
    await withTaskGroup(of: PieceIndex?.self) { group in
        for (piece, check) in pieces {
            guard let range = layout.range(of: piece) else { continue }
            group.addTask {
                await threads.run { buffer in
                    (try? PieceCodes.agree(codes, check, range, in: descriptor, through: buffer)) == true ? piece : nil
                }
            }
        }
        var good = PieceSet()
        for await piece in group { if let piece { good.insert(piece) } }
        return good
    }
}
