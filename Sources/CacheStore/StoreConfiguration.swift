package import NodeConfig

/// Where the store is and how much of the disk it may take.
package struct StoreConfiguration: Sendable, Hashable {
    /// The home directory; created where it is missing.
    package var directory: String
    /// The most that contents may take; nil for no limit but the disk's.
    package var quota: ByteCount?
    /// What is left free on the file system.
    package var freeSpaceFloor: ByteCount
    /// How much is hashed again in a second, in the background; 0 for nothing.
    package var scrubRate: ByteCount
    /// The number of threads that hash; nil for one per processor.
    package var hashThreads: Int?
    /// Whether others may ask for pieces, so that their digests are made as they arrive; otherwise on demand.
    package var servesPieces: Bool

    /// The defaults, with what is given instead of them.
    package init(
        directory: String = "/var/lib/darter",
        quota: ByteCount? = nil,
        freeSpaceFloor: ByteCount = .gibibytes(1),
        scrubRate: ByteCount = .mebibytes(4),
        hashThreads: Int? = nil,
        servesPieces: Bool = true
    ) {
        self.directory = directory
        self.quota = quota
        self.freeSpaceFloor = freeSpaceFloor
        self.scrubRate = scrubRate
        self.hashThreads = hashThreads
        self.servesPieces = servesPieces
    }
}
