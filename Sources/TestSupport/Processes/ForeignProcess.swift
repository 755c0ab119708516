internal import Foundation
internal import Glibc

/// A process that a process of ours has left behind, found by a file that it has open.
package struct ForeignProcess: Sendable {
    /// The process id.
    package let processIdentifier: Int32

    /// The process other than ours that has `path` open, if there is one.
    package init?(holding path: String) {
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        for process in processes.compactMap({ Int32($0) }) where process != getpid() {
            let directory = "/proc/\(process)/fd"
            let descriptors = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
            let holds = descriptors.contains { descriptor in
                (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(directory)/\(descriptor)")) == path
            }
            if holds {
                processIdentifier = process
                return
            }
        }
        return nil
    }

    /// Asks it to stop.
    package func terminate() { kill(processIdentifier, SIGTERM) }

    /// Returns when it has ended; fails if that takes longer than `limit`.
    package func end(within limit: Duration = .seconds(60)) async throws {
        let watch = RunningProcess.Command("tail", ["--pid=\(processIdentifier)", "-s", "0.1", "-f", "/dev/null"])
        try await runSuccessfully(watch, within: limit)
    }
}
