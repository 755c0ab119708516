internal import Content

/// One file of the store.
struct StoredObject {
    var row: ObjectRow
    /// The bytes that count for it in the quota.
    var charged: Int64
    /// The part of `charged` whose bytes are not committed yet.
    var pending: Int64
    /// Complete tasks with this content, or the one incomplete task.
    var tasks: Set<TaskID> = []
    /// How many ``PieceFile``s are open on it.
    var handles = 0
    /// No task has it any more; it only waits for its last reader.
    var isGone = false
    /// Its bytes are to be verified before they are served.
    var isDoubtful = false

    /// Below the store's directory.
    var path: String {
        if row.isSettled, let name = row.name { return name.path }
        return "incoming/\(row.incoming)"
    }
}

/// One task of the store.
struct StoredTask {
    var row: TaskRow
    var committed: PieceSet
    var pins = 0
    var file = WeakFile()
}

/// The open file of a task, while somebody holds it.
struct WeakFile {
    weak var value: PieceFile?
}

/// What the store holds, in memory: every question about it is answered from here without a look at the disk.
///
/// Only values and arithmetic; ``CacheStore`` keeps it behind its lock and acts on what its methods return. No strong
/// reference to a ``PieceFile`` is ever dropped here: its end would come back to the same lock.
struct Catalog {
    var objects: [Int64: StoredObject] = [:]
    var tasks: [TaskID: StoredTask] = [:]
    var byName: [ObjectName: Int64] = [:]
    var byDigest: [Digest: Int64] = [:]
    var usage = StoreUsage()
    var nextRef: Int64 = 1
    var isClosed = false

    mutating func takeRef() -> Int64 {
        defer { nextRef += 1 }
        return nextRef
    }

    func object(of task: TaskID) -> StoredObject? { tasks[task].flatMap { objects[$0.row.object] } }

    /// The task, as long as it is still this very one (and has not been replaced).
    func task(_ id: TaskID, ref: Int64) -> StoredTask? {
        guard let task = tasks[id], task.row.ref == ref else { return nil }
        return task
    }

    // MARK: Adding

    mutating func insert(_ object: StoredObject) {
        objects[object.row.ref] = object
        usage.used += object.charged
        usage.reserved += object.pending
        usage.objects += 1
        if let name = object.row.name { byName[name] = object.row.ref }
        for digest in object.row.digests { byDigest[digest] = object.row.ref }
    }

    mutating func insert(_ task: StoredTask) {
        tasks[task.row.id] = task
        objects[task.row.object]?.tasks.insert(task.row.id)
        usage.tasks += 1
    }

    mutating func charge(_ bytes: Int64, to object: Int64) {
        guard objects[object] != nil else { return }
        objects[object]?.charged += bytes
        objects[object]?.pending += bytes
        usage.used += bytes
        usage.reserved += bytes
    }

    mutating func commit(_ bytes: Int64, of object: Int64) {
        let bytes = min(bytes, objects[object]?.pending ?? 0)
        objects[object]?.pending -= bytes
        usage.reserved -= bytes
    }

    /// What is charged becomes what is there.
    mutating func settleCharge(of object: Int64, at size: Int64) {
        guard let before = objects[object] else { return }
        usage.used += size - before.charged
        usage.reserved -= before.pending
        objects[object]?.charged = size
        objects[object]?.pending = 0
    }

    // MARK: Taking away

    /// What is to be done on disk after something was taken out.
    struct Removal {
        /// The object that no task has any more, under the path that it still has.
        var object: StoredObject?
        var changes: [IndexChange] = []
    }

    mutating func remove(_ id: TaskID) -> Removal {
        guard let task = tasks.removeValue(forKey: id) else { return Removal() }
        usage.tasks -= 1
        var removal = Removal(changes: [.dropTask(task.row.ref)])
        objects[task.row.object]?.tasks.remove(id)
        if objects[task.row.object]?.tasks.isEmpty ?? false {
            removal.changes.append(.dropObject(task.row.object))
            removal.object = drop(task.row.object)
        }
        return removal
    }

    /// The object has no task: its names are free, its bytes count until the last reader has gone.
    private mutating func drop(_ ref: Int64) -> StoredObject? {
        guard let object = objects[ref] else { return nil }
        if let name = object.row.name, byName[name] == ref { byName[name] = nil }
        for digest in object.row.digests where byDigest[digest] == ref { byDigest[digest] = nil }
        objects[ref]?.isGone = true
        discardIfUnused(ref)
        return object
    }

    /// Another file with the same content takes over; returns the tasks, and the object that has none left.
    mutating func moveTasks(from old: Int64, to new: Int64) -> ([TaskRow], StoredObject?) {
        let moved = objects[old]?.tasks ?? []
        objects[old]?.tasks = []
        objects[new]?.tasks.formUnion(moved)
        for id in moved { tasks[id]?.row.object = new }
        return (moved.compactMap { tasks[$0]?.row }, drop(old))
    }

    mutating func release(_ ref: Int64) {
        objects[ref]?.handles -= 1
        discardIfUnused(ref)
    }

    private mutating func discardIfUnused(_ ref: Int64) {
        guard let object = objects[ref], object.isGone, object.handles == 0 else { return }
        objects[ref] = nil
        usage.objects -= 1
        usage.used -= object.charged
        usage.reserved -= object.pending
    }

    // MARK: Room

    enum Room {
        case enough
        /// This task has to go first.
        case evict(TaskID)
        case refused(StoreError)
    }

    /// Whether `bytes` more fit, given what the file system has free; if not, who is to go.
    func room(for bytes: Int64, free: Int64) -> Room {
        // An origin may announce any length at all.
        let overQuota = usage.quota.map { Self.sum(usage.used, bytes) - $0 } ?? 0
        let overDisk = Self.sum(usage.freeSpaceFloor, Self.sum(usage.reserved, bytes)) - free
        guard overQuota > 0 || overDisk > 0 else { return .enough }
        let candidates = objects.values.filter(isEvictable)
        let gain = candidates.reduce(0) { $0 + $1.charged }
        if overQuota > gain {
            return .refused(
                StoreError(.quotaExceeded, "\(bytes) bytes do not fit into the quota of \(usage.quota ?? 0)")
            )
        }
        if overDisk > gain {
            return .refused(
                StoreError(
                    .diskFull,
                    "\(bytes) bytes do not fit on the disk: \(free) are free, \(usage.reserved) of them reserved and "
                        + "\(usage.freeSpaceFloor) to be left"
                )
            )
        }
        let oldest = candidates.min { order($0) < order($1) }
        guard let task = oldest?.tasks.first else {
            return .refused(StoreError(.diskFull, "nothing is left that could be evicted"))
        }
        return .evict(task)
    }

    /// The sum of two sizes, or the greatest number where there is no such number.
    private static func sum(_ one: Int64, _ other: Int64) -> Int64 {
        let (sum, overflow) = one.addingReportingOverflow(other)
        return overflow ? .max : sum
    }

    /// Nobody reads, writes or pins it.
    private func isEvictable(_ object: StoredObject) -> Bool {
        object.handles == 0 && !object.isGone && object.tasks.allSatisfy { tasks[$0]?.pins == 0 }
    }

    /// Complete objects go before what is left of downloads that nobody goes on with; then the longest unused.
    private func order(_ object: StoredObject) -> (Int, Double) {
        (object.row.name == nil ? 1 : 0, object.tasks.compactMap { tasks[$0]?.row.lastUsed }.max() ?? 0)
    }
}
