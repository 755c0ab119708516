package import NodeConfig

extension StoreConfiguration: Configurable {
    /// The keys of the store's section; the directory is the node's home.
    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.optional("quota", &quota)
        try fields.check("quota", quota?.bytes != 0, "must be more than 0; leave it out for no limit")
        try fields.value("free_space_floor", &freeSpaceFloor)
        try fields.value("scrub_rate", &scrubRate)
        try fields.optional("hash_threads", &hashThreads)
        try fields.check("hash_threads", hashThreads.map { (1...256).contains($0) } ?? true, "must be from 1 to 256")
    }
}
