/// A part's configuration: a struct with every default in its initialiser, which visits its fields.
///
/// One declaration serves reading, printing and the list of keys:
///
/// ```swift
/// struct PeersConfiguration: Configurable {
///     var aliveTime: Duration = .seconds(300)
///     mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
///         try fields.value("alive_time", &aliveTime)
///         try fields.check("alive_time", aliveTime > .zero, "must be more than nothing")
///     }
/// }
/// ```
public protocol Configurable: Sendable {
    /// Visits every field once, in the order in which they are to be printed.
    mutating func bind(_ fields: inout ConfigFields) throws(ConfigError)
}

/// A value that stands as one scalar in a configuration.
public protocol ConfigValue: Sendable {
    /// Parses a scalar.
    ///
    /// Returns nil for whatever is not wholly a value; never traps.
    init?(configText: String)
    /// A scalar that parses back to the same value.
    var configText: String { get }
    /// What a person is told to write, such as "a whole number".
    static var expectation: String { get }
}
