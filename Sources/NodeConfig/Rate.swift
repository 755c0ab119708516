/// Bytes per second, or no limit.
public struct Rate: Sendable, Hashable {
    /// Nil for no limit; else more than 0.
    public let bytesPerSecond: Int64?

    /// A limit; nil, 0 and less are no limit.
    public init(bytesPerSecond: Int64?) {
        self.bytesPerSecond = bytesPerSecond.flatMap { $0 > 0 ? $0 : nil }
    }

    /// No limit.
    public static let unlimited = Rate(bytesPerSecond: nil)
}

extension Rate: ConfigValue {
    /// A ``ByteCount``, perhaps with `/s`; `0` and `unlimited` are no limit.
    public init?(configText: String) {
        if configText == "unlimited" {
            self = .unlimited
            return
        }
        let amount = configText.hasSuffix("/s") ? String(configText.dropLast(2)) : configText
        guard let count = ByteCount(configText: amount) else { return nil }
        self.init(bytesPerSecond: count.bytes)
    }

    /// Such as `20MB/s`, or `unlimited`.
    public var configText: String {
        bytesPerSecond.map { "\(ByteCount(bytes: $0).configText)/s" } ?? "unlimited"
    }

    /// What a person is told to write.
    public static var expectation: String { "a rate such as 20MB/s or 512k, or 'unlimited'" }
}

extension Rate: CustomStringConvertible {
    /// Same as ``configText``.
    public var description: String { configText }
}
