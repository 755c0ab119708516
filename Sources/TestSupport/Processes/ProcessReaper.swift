internal import Foundation
internal import Synchronization

/// Ends the processes that a test process leaves behind when it is killed itself.
///
/// A small shell process reads from a pipe which process groups are alive; when the pipe closes, because the test
/// process is gone, it kills those that are left.
final class ProcessReaper: Sendable {
    static let shared = ProcessReaper()

    private static let script = """
        trap '' INT TERM HUP
        declare -A alive
        while read -r what pid; do
            if [ "$what" = + ]; then alive[$pid]=1; else unset "alive[$pid]"; fi
        done
        for pid in "${!alive[@]}"; do kill -KILL -- "-$pid" 2>/dev/null; done
        """

    /// The pipe's writing end, or -1 where the shell could not be started: then nothing is watched.
    private let pipe: Mutex<Int32>

    private init() {
        let null = open("/dev/null", O_RDWR | O_CLOEXEC)
        defer { close(null) }
        guard let ends = try? Pipe() else {
            pipe = Mutex(-1)
            return
        }
        defer { close(ends.read) }
        let request = SpawnRequest(
            executable: "bash",
            arguments: ["-c", Self.script],
            environment: ProcessInfo.processInfo.environment,
            input: ends.read,
            output: null,
            error: null
        )
        let started = (try? request.spawn()) != nil
        if !started { close(ends.write) }
        pipe = Mutex(started ? ends.write : -1)
    }

    func watch(_ pid: pid_t) { send("+ \(pid)\n") }

    func forget(_ pid: pid_t) { send("- \(pid)\n") }

    private func send(_ line: String) {
        pipe.withLock { descriptor in
            guard descriptor >= 0 else { return }
            _ = line.withCString { write(descriptor, $0, strlen($0)) }
        }
    }
}
