internal import Synchronization

/// What is shared by all that have to do with the same key: made when it is first asked for, and forgotten some time after
/// nobody holds it any longer and it is idle.
///
/// It never holds more than 64 or twice as many as are in use.
public final class SharedTable<Key: Hashable & Sendable, Value: AnyObject & Sendable>: Sendable {
    private struct State {
        var values: [Key: Value] = [:]
        /// When to look for what can be forgotten.
        var threshold = SharedTable.least
    }

    private static var least: Int { 64 }

    private let make: @Sendable (Key) -> Value
    private let isIdle: @Sendable (Value) -> Bool
    private let state = Mutex(State())

    /// An empty table.
    public init(make: @escaping @Sendable (Key) -> Value, isIdle: @escaping @Sendable (Value) -> Bool) {
        self.make = make
        self.isIdle = isIdle
    }

    /// What belongs to the key, for as long as the caller holds it.
    public subscript(key: Key) -> Value {
        state.withLock { state in
            if let value = state.values[key] { return value }
            if state.values.count >= state.threshold { forget(&state) }
            let value = make(key)
            state.values[key] = value
            return value
        }
    }

    /// How many there are.
    public var count: Int { state.withLock { $0.values.count } }

    private func forget(_ state: inout State) {
        var kept: [Key: Value] = [:]
        while let key = state.values.keys.first, var value = state.values.removeValue(forKey: key) {
            if !isKnownUniquelyReferenced(&value) || !isIdle(value) { kept[key] = value }
        }
        state.values = kept
        state.threshold = max(Self.least, 2 * kept.count)
    }
}
