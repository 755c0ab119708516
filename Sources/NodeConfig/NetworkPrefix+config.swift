public import Content

extension NetworkPrefix: ConfigValue {
    /// An address, or an address and a length.
    public init?(configText: String) { self.init(configText) }

    /// `address/length`.
    public var configText: String { description }

    /// What a person is told to write.
    public static var expectation: String { "a network such as 10.0.0.0/8, fd00::/8 or 127.0.0.1" }
}
