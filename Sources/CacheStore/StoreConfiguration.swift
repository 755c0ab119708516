/// Where the store is and how much of the disk it may take.
package struct StoreConfiguration: Sendable, Hashable {
    /// The home directory; created where it is missing.
    package var directory: String
    /// The most bytes that contents may take; nil for no limit but the disk's.
    package var quota: Int64?
    /// The bytes that are left free on the file system.
    package var freeSpaceFloor: Int64
    /// How many bytes a second are hashed again in the background; 0 for none.
    package var scrubRate: Int64
    /// The number of threads that hash; nil for one per processor.
    package var hashThreads: Int?

    /// The defaults, with what is given instead of them.
    package init(
        directory: String = "/var/lib/darter",
        quota: Int64? = nil,
        freeSpaceFloor: Int64 = 1 << 30,
        scrubRate: Int64 = 4 << 20,
        hashThreads: Int? = nil
    ) {
        self.directory = directory
        self.quota = quota
        self.freeSpaceFloor = freeSpaceFloor
        self.scrubRate = scrubRate
        self.hashThreads = hashThreads
    }
}
