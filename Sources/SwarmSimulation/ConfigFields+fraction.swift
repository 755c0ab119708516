import NodeConfig

extension ConfigFields {
    mutating func fraction(_ key: String, _ value: inout Double) throws(ConfigError) {
        try self.value(key, &value)
        try check(key, (0...1).contains(value), "must be from 0 to 1")
    }
}
