package import Content

/// What the store knows of one task.
package struct TaskRecord: Sendable {
    /// How much of the task there is.
    package enum State: Sendable, Hashable {
        /// These pieces are committed.
        case incomplete(PieceSet)
        /// Everything is there; the digest of the content where it is known.
        case complete(Digest?)
    }

    /// The task.
    package let task: TaskID
    /// The version of its content.
    package let generation: Generation
    /// How it is cut into pieces.
    package let layout: PieceLayout
    /// How much of it there is.
    package let state: State
    /// What the task's creator wrote down with it.
    package let metadata: [UInt8]
    /// When it was last created, opened or touched, in seconds since 1970.
    package let lastUsed: Double
}

/// What the store holds, and may hold.
package struct StoreUsage: Sendable, Hashable {
    /// Bytes of the contents on disk and of those that are reserved for.
    package var used: Int64 = 0
    /// Bytes that are part of `used` and not committed yet.
    package var reserved: Int64 = 0
    /// The most that `used` may become.
    package var quota: Int64?
    /// The bytes that are left free on the file system.
    package var freeSpaceFloor: Int64 = 0
    /// The number of contents.
    package var objects = 0
    /// The number of tasks.
    package var tasks = 0
}
