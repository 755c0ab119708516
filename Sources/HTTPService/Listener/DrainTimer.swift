import NIOCore
import Synchronization

/// Runs something once the time for a graceful shutdown is over, unless all ended before.
final class DrainTimer: Sendable {
    private let task = Mutex<Scheduled<Void>?>(nil)

    func start(on loop: any EventLoop, after time: Duration, _ action: @escaping @Sendable () -> Void) {
        task.withLock { $0 = loop.scheduleTask(in: TimeAmount(time), action) }
    }

    func cancel() { task.withLock { $0?.cancel() } }
}
