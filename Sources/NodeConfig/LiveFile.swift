internal import Synchronization

/// What a configuration file says, read again when it has changed; one that can not be used leaves what was read before it.
///
/// It is looked at whenever somebody wants to know, so that no timer runs for it; a symbolic link anywhere in its path that leads
/// elsewhere is a change, as with the files of a ConfigMap.
public final class LiveFile<Value: Sendable>: Sendable {
    private struct State {
        var value: Value
        var version: FileVersion?
    }

    private let path: String?
    private let load: @Sendable (String) throws(ConfigError) -> Value
    private let report: @Sendable (_ value: Value?, _ error: ConfigError?) -> Void
    /// Held while the file is read: whoever asks meanwhile gets what comes of that.
    private let state: Mutex<State>

    /// A file that said `value` when it was read first; without a path that never changes.
    ///
    /// `report` is told of each new value, and of the error where there is none.
    public init(
        _ path: String?,
        value: Value,
        load: @escaping @Sendable (String) throws(ConfigError) -> Value,
        report: @escaping @Sendable (_ value: Value?, _ error: ConfigError?) -> Void
    ) {
        self.path = path
        self.load = load
        self.report = report
        // It may have changed since: it is read once more.
        state = Mutex(State(value: value, version: nil))
    }

    /// What the file says now.
    public var current: Value { read(anyhow: false) }

    /// Reads the file whether it has changed or not.
    public func reload() { _ = read(anyhow: true) }

    private func read(anyhow: Bool) -> Value {
        guard let path else { return state.withLock { $0.value } }
        let (value, news): (Value, Result<Value, ConfigError>?) = state.withLock { state in
            let version = FileVersion(path: path)
            guard anyhow || version != state.version else { return (state.value, nil) }
            // Before it is read: what changes meanwhile is read again.
            state.version = version
            do throws(ConfigError) {
                state.value = try load(path)
                return (state.value, .success(state.value))
            } catch {
                return (state.value, .failure(error))
            }
        }
        switch news {
        case .success(let value): report(value, nil)
        case .failure(let error): report(nil, error)
        case nil: break
        }
        return value
    }
}
