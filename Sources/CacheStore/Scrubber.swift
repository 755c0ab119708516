internal import Content
internal import Glibc
internal import Logging
internal import NodeConfig
internal import Synchronization

/// Hashes the store's objects again, slowly and for ever, and drops those whose bytes have changed on the disk.
///
/// Reading them for that does not count as use.
package struct Scrubber<C: Clock<Duration>>: Sendable {
    private let store: CacheStore
    private let clock: C
    private let bytesPerSecond: Int64

    /// A scrubber at the configured rate.
    package init(_ store: CacheStore, clock: C = ContinuousClock()) {
        self.store = store
        self.clock = clock
        bytesPerSecond = store.configuration.scrubRate.bytes
    }

    /// Returns when its task is cancelled, or at once with a rate of 0.
    package func run() async {
        guard bytesPerSecond > 0 else { return }
        while !Task.isCancelled {
            await pass()
            try? await clock.sleep(for: Self.betweenPasses)
        }
    }

    private static var betweenPasses: Duration { .seconds(600) }

    /// Hashes every object that has settled once.
    package func pass() async {
        let objects = store.catalog.withLock { catalog in
            catalog.objects.values.filter { $0.row.isSettled && !$0.isDoubtful && !$0.isGone }.map(\.row.ref).sorted()
        }
        for object in objects {
            guard !Task.isCancelled else { return }
            await scrub(object)
        }
    }

    private func scrub(_ object: Int64) async {
        guard
            let (stored, task) = store.catalog.withLock({ catalog -> (StoredObject, TaskRow)? in
                guard let stored = catalog.objects[object], !stored.isGone, let task = stored.tasks.first else {
                    return nil
                }
                return catalog.tasks[task].map { (stored, $0.row) }
            })
        else { return }
        let path = store.path(stored.path)
        do throws(StoreError) {
            let checks = try store.writer.pieces(of: task.ref)
            let descriptor = try FileAccess.open(path, O_RDONLY)
            defer { close(descriptor) }
            let stamp = try FileStamp(descriptor: descriptor)
            guard stored.row.stamp?.sameBytes(as: stamp) ?? false else {
                store.doubt(object, "\(path) has been changed by somebody else")
                return
            }
            for (piece, check) in checks.sorted(by: { $0.key < $1.key }) {
                guard let range = task.layout.range(of: piece), !Task.isCancelled else { return }
                let result = await store.threads.run { [codes = store.codes] buffer in
                    Result { () throws(StoreError) in
                        try PieceCodes.agree(codes, check, range, in: descriptor, through: buffer)
                    }
                }
                guard try result.get() else {
                    store.drop(object, "piece \(piece) of \(path) is not what was committed")
                    return
                }
                try? await clock.sleep(for: .seconds(Double(range.count) / Double(bytesPerSecond)))
            }
        } catch {
            // Evicted meanwhile, or a bad sector: a reader would get the same error.
            let isThere = store.catalog.withLock { $0.objects[object].map { !$0.isGone } ?? false }
            if isThere { store.drop(object, "\(path) can not be read: \(error)") }
        }
    }
}
