import Dispatch
import Glibc
import NodeConfig
import UnixSignals

/// What keeps an eye on a download while it runs.
struct Supervision: Sendable {
    /// The longest that it may take.
    var timeout: Duration?
    /// Bytes per second that it must keep.
    var minimumRate: Rate = .unlimited
    /// Shows how far it is; nil: nobody looks.
    var display: ProgressDisplay?

    /// Runs `work` until it ends or one of the limits or a signal ends it.
    ///
    /// `progress` is asked only where somebody wants to know.
    func run<Value: Sendable>(
        progress: @escaping @Sendable (_ forDisplay: Bool) async -> DownloadProgress,
        _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        defer { display?.clear() }
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await work() }
            group.addTask {
                for await signal in signals {
                    throw signal == .sigint
                        ? ToolFailure(.interrupted, "interrupted; the same command goes on where it was")
                        : ToolFailure(.terminated, "terminated; the same command goes on where it was")
                }
                return nil
            }
            if let timeout {
                group.addTask {
                    try await Task.sleep(for: timeout)
                    throw ToolFailure(
                        .timeout,
                        "not done after \(timeout.configText); the same command goes on where it was"
                    )
                }
            }
            if let minimum = minimumRate.bytesPerSecond {
                group.addTask {
                    try await watch(minimum, progress)
                    return nil
                }
            }
            if let display {
                group.addTask {
                    while true {
                        try await Task.sleep(for: .milliseconds(250))
                        display.show(await progress(true), at: .now)
                    }
                }
            }
            do {
                while let value = try await group.next() {
                    if let value { return value }
                }
            } catch let failure as ToolFailure where Self.isImpatient(failure.status) {
                LastResort.exit(with: failure, after: .seconds(1))
                throw failure
            }
            throw ToolFailure(.failure, "the download has vanished")
        }
    }

    private static func isImpatient(_ status: ExitStatus) -> Bool {
        [.interrupted, .terminated, .timeout].contains(status)
    }

    private func watch(
        _ minimum: Int64,
        _ progress: @Sendable (Bool) async -> DownloadProgress
    ) async throws {
        var watch = SpeedWatch(minimum: minimum, from: .now)
        while true {
            try await Task.sleep(for: .seconds(1))
            if watch.isTooSlow(await progress(false).bytes, at: .now) {
                throw ToolFailure(
                    .timeout,
                    "slower than \(minimumRate.configText) for 30 seconds; the same command goes on where it was"
                )
            }
        }
    }
}
