/// One thread waits here for the value that another brings.
final class Gate<Value: Sendable>: Sendable {
    private let monitor = Monitor<Value?>(nil)

    func open(with value: Value) { monitor.change(waking: .all) { $0 = value } }

    func wait() -> Value { monitor.wait { $0 } }
}
