import Content
import Synchronization

/// Remembers the records of some tasks: to read one takes longer than to send a small piece of content.
package final class RecordMemory: Sendable {
    private struct Entry {
        let metadata: [UInt8]
        let record: OriginRecord
    }

    private let entries = Mutex<[TaskID: Entry]>([:])
    private let most: Int

    /// Keeps the records of at most so many tasks.
    package init(most: Int = 1024) { self.most = most }

    var count: Int { entries.withLock(\.count) }

    /// What the store keeps of a task, read; nil for what ``OriginRecord/init(_:)`` does not read.
    func record(of task: TaskID, _ metadata: [UInt8]) -> OriginRecord? {
        // The store hands out the same array again and again, whose comparison costs nothing.
        if let entry = entries.withLock({ $0[task] }), entry.metadata == metadata { return entry.record }
        guard let record = OriginRecord(metadata) else { return nil }
        entries.withLock { entries in
            // Those that are asked for often are back soon.
            if entries.count >= most, entries[task] == nil { entries.removeAll(keepingCapacity: true) }
            entries[task] = Entry(metadata: metadata, record: record)
        }
        return record
    }
}
