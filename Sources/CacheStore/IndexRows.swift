internal import Content

/// One task as the index keeps it.
struct TaskRow: Sendable {
    var ref: Int64
    var id: TaskID
    var generation: Generation
    var layout: PieceLayout
    var object: Int64
    var isComplete: Bool
    var contentHash: Digest.Algorithm?
    var metadata: [UInt8]
    var lastUsed: Double
}

/// One file as the index keeps it.
struct ObjectRow: Sendable {
    var ref: Int64
    /// Set once the content is complete.
    var name: ObjectName?
    /// The file's name in `incoming/` until the object has settled at its name's path.
    var incoming: String
    var isSettled = false
    var digests: [Digest] = []
    /// What the file looked like when it was complete.
    var stamp: FileStamp?
}

/// One thing to be written to the index.
enum IndexChange: Sendable {
    case putTask(TaskRow)
    case putObject(ObjectRow)
    case addPiece(task: Int64, PieceIndex, PieceCheck)
    case dropPieces(task: Int64, [PieceIndex])
    case setLength(task: Int64, Int64)
    case setMetadata(task: Int64, [UInt8])
    case setLastUsed(task: Int64, Double)
    case dropTask(Int64)
    case dropObject(Int64)
}

/// Everything in the index but the pieces.
struct IndexContents: Sendable {
    var tasks: [TaskRow] = []
    var objects: [ObjectRow] = []
    /// The boot during which the store was last open; nil in a new index.
    var bootID: String?
    /// The key of the store's codes; nil in an index that has none yet.
    var codesKey: [UInt8]?
    /// Whether it was closed then, with everything on disk.
    var isClean = true
}
