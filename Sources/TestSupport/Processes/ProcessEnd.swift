internal import Glibc

/// How a process ended.
package enum ExitStatus: Sendable, Hashable {
    /// It exited with this code.
    case code(Int32)
    /// This signal ended it.
    case signal(Int32)

    /// Whether it exited with 0.
    package var isSuccess: Bool { self == .code(0) }

    /// The code it exited with; nil if a signal ended it.
    package var exitCode: Int32? { if case .code(let code) = self { code } else { nil } }

    init(waitStatus: Int32) {
        let signal = waitStatus & 0x7f
        self = signal == 0 ? .code((waitStatus >> 8) & 0xff) : .signal(signal)
    }
}

/// The end of a process and what it had used by then.
package struct ProcessEnd: Sendable {
    /// How it ended.
    package let status: ExitStatus
    /// The most memory it had resident at any time, in bytes.
    package let peakResidentBytes: Int64
    /// The processor time it took, in seconds, user and system.
    package let processorSeconds: Double

    init(waitStatus: Int32, usage: rusage) {
        status = ExitStatus(waitStatus: waitStatus)
        peakResidentBytes = Int64(usage.ru_maxrss) * 1024
        let seconds = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec
        let microseconds = usage.ru_utime.tv_usec + usage.ru_stime.tv_usec
        processorSeconds = Double(seconds) + Double(microseconds) / 1e6
    }
}

/// What went wrong in the rig: a server that did not start, a command that failed.
package struct RigError: Error, CustomStringConvertible {
    /// For a person.
    package let description: String

    /// An error that says `description`.
    package init(_ description: String) {
        self.description = description
    }
}
