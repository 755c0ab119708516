internal import Content

/// Where a ``PieceFile`` writes down what has happened to it, so that it outlives the process.
protocol PieceJournal: AnyObject, Sendable {
    /// Content of unknown length grows to `end` bytes: there must be room before the bytes are written.
    func reserve(upTo end: Int64) throws(StoreError)
    /// A piece has been verified, or its code has been replaced by a digest (then no bytes are new); called on a hashing thread
    /// before anybody is told.
    func committed(_ piece: PieceIndex, _ check: PieceCheck, byteCount: Int64)
    /// The length has become known.
    func learned(length: Int64)
    /// The file's object goes away; its descriptor is closed.
    func closed()
}

/// Called at the named steps, so that a test can end the process there.
package struct FaultPoints: Sendable {
    let hit: @Sendable (StaticString) -> Void

    /// Calls `hit` at every step.
    package init(_ hit: @escaping @Sendable (StaticString) -> Void) { self.hit = hit }

    /// Does nothing.
    package static let none = FaultPoints { _ in }
}
