import Dispatch
import Glibc

/// Ends the process even if something that can not be cancelled is still under way: what is on disk is good at any time.
enum LastResort {
    static func exit(with failure: ToolFailure, after delay: DispatchTimeInterval) {
        DispatchQueue.global().asyncAfter(deadline: .now() + delay) {
            let line = Array("dfget: \(failure.message)\n".utf8)
            _ = write(STDERR_FILENO, line, line.count)
            _exit(failure.status.rawValue)
        }
    }
}
