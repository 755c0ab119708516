package import Content
internal import Glibc
internal import Logging
internal import Synchronization

/// The content-addressed cache on one node's disk.
///
/// One process owns its directory:
///
///     lock                     held with flock by the owner, whose pid it contains
///     index.sqlite             tasks, pieces, objects
///     incoming/                files that are still being filled, or not yet moved
///     objects/sha256/xx/<hex>  complete contents under their SHA-256
///     objects/pieces/xx/<hex>  complete contents that nobody has hashed as a whole, under the hash of their pieces' digests
package final class CacheStore: Sendable {
    let directory: String
    let lock: DirectoryLock
    let threads: WorkerThreads
    /// Waits for the disk, and re-hashes what is in doubt.
    let background = WorkerThreads(count: 1)
    let writer: IndexWriter
    let catalog: Mutex<Catalog>
    /// Held while a task is created: two at the same time get the same file.
    let creation = Mutex(())
    /// What the log says is wrong with the directory.
    let knownTrouble = Mutex<Trouble?>(nil)
    /// Directories that objects could not be moved to.
    let unmoved = Mutex<Set<String>>([])
    let logger: Logger
    let faults: FaultPoints
    let bootID: String
    let codes: PieceCodes
    let configuration: StoreConfiguration

    init(
        configuration: StoreConfiguration,
        lock: DirectoryLock,
        threads: WorkerThreads,
        writer: IndexWriter,
        catalog: consuming sending Catalog,
        bootID: String,
        codes: PieceCodes,
        logger: Logger,
        faults: FaultPoints
    ) {
        self.configuration = configuration
        directory = configuration.directory
        self.lock = lock
        self.threads = threads
        self.writer = writer
        self.catalog = Mutex(catalog)
        self.bootID = bootID
        self.codes = codes
        self.logger = logger
        self.faults = faults
    }

    /// What the store holds and may hold; costs nothing.
    package var usage: StoreUsage { catalog.withLock { $0.usage } }

    /// The threads that hash, for a ``TargetFile`` of the same process.
    package var hashThreads: WorkerThreads { threads }

    // MARK: Records

    /// What is known of a task; nil where the store does not have it.
    package func record(of task: TaskID) -> TaskRecord? {
        catalog.withLock { $0.tasks[task].map(Self.record(in: $0)) }
    }

    /// What is known of every task.
    package func records() -> [TaskRecord] {
        catalog.withLock { catalog in catalog.tasks.values.map(Self.record(in: catalog)) }
    }

    private static func record(in catalog: Catalog) -> (StoredTask) -> TaskRecord {
        { task in
            let state: TaskRecord.State =
                task.row.isComplete
                ? .complete(catalog.objects[task.row.object]?.row.digests.first) : .incomplete(task.committed)
            return TaskRecord(
                task: task.row.id,
                generation: task.row.generation,
                layout: task.row.layout,
                state: state,
                metadata: task.row.metadata,
                lastUsed: task.row.lastUsed
            )
        }
    }

    /// Replaces what was written down with the task.
    package func setMetadata(_ bytes: [UInt8], of task: TaskID) {
        catalog.withLock { catalog in
            guard let ref = catalog.tasks[task]?.row.ref else { return }
            catalog.tasks[task]?.row.metadata = bytes
            writer.append([.setMetadata(task: ref, bytes)])
        }
    }

    /// The task is in use: it is evicted later than others.
    package func touch(_ task: TaskID) {
        catalog.withLock { use(task, &$0) }
    }

    func use(_ task: TaskID, _ catalog: inout Catalog) {
        guard let row = catalog.tasks[task]?.row else { return }
        let now = secondsSince1970()
        catalog.tasks[task]?.row.lastUsed = now
        // The order of eviction need not survive a crash to the second.
        if now - row.lastUsed >= 1 { writer.append([.setLastUsed(task: row.ref, now)]) }
    }

    /// The task is not evicted until as many calls of ``unpin(_:)``, or the end of the process.
    package func pin(_ task: TaskID) {
        catalog.withLock { $0.tasks[task]?.pins += 1 }
    }

    /// Takes a pin back.
    package func unpin(_ task: TaskID) {
        catalog.withLock { catalog in
            guard let pins = catalog.tasks[task]?.pins, pins > 0 else { return }
            catalog.tasks[task]?.pins = pins - 1
        }
    }

    /// Forgets the task.
    ///
    /// Its bytes go when no other task shares them; who reads them can go on.
    package func remove(_ task: TaskID) {
        discard(catalog.withLock { take(task, from: &$0) })
    }

    /// Takes a task out of the catalog and the index; the file it returns is no longer reachable and to be unlinked.
    func take(_ task: TaskID, from catalog: inout Catalog) -> String? {
        let removal = catalog.remove(task)
        writer.append(removal.changes)
        return removal.object.flatMap { moveToTrash($0) }
    }

    func moveToTrash(_ object: StoredObject) -> String? {
        // The name may be taken again before the file is unlinked, and unlinking a large file takes long.
        let trash = "incoming/\(object.row.ref).trash"
        guard rename(path(object.path), path(trash)) == 0 else { return nil }
        return trash
    }

    func discard(_ file: String?) {
        guard let file else { return }
        faults.hit("trashed")
        unlink(path(file))
    }

    func path(_ relative: String) -> String { "\(directory)/\(relative)" }

    // MARK: End

    /// Waits until every object that is complete by now has been synced and moved to its place.
    package func settled() async {
        await background.run { _ in }
    }

    /// Waits until everything is on disk and says so in the index.
    ///
    /// Nothing can be created or opened afterwards; files that are open stay readable.
    package func close() async {
        let unfinished: [String]? = catalog.withLock { catalog in
            guard !catalog.isClosed else { return nil }
            catalog.isClosed = true
            return catalog.tasks.values.filter { !$0.row.isComplete }.compactMap {
                catalog.objects[$0.row.object]?.path
            }
        }
        guard let unfinished else { return }
        let synced = await background.run { _ in
            unfinished.allSatisfy { self.synchronize($0) }
        }
        do throws(StoreError) {
            try await writer.close()
            let settled = catalog.withLock { $0.objects.values.allSatisfy { $0.row.name == nil || $0.row.isSettled } }
            try writer.index.setMark(bootID: bootID, isClean: synced && settled, codesKey: codes.key)
        } catch {
            logger.error("the store is not closed cleanly: \(error)")
        }
        writer.index.close()
        lock.release()
    }

    private func synchronize(_ file: String) -> Bool {
        let descriptor = Glibc.open(path(file), O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return errno == ENOENT }
        defer { Glibc.close(descriptor) }
        return fsync(descriptor) == 0
    }
}

func secondsSince1970() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
