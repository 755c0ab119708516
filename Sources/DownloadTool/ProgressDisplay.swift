import Glibc
import Synchronization

/// The progress line on a terminal.
package final class ProgressDisplay: Sendable {
    private struct State {
        var samples: [(time: ContinuousClock.Instant, bytes: Int64)] = []
        var isShown = false
    }

    private let name: String
    private let descriptor: Int32
    private let state = Mutex(State())

    package init(name: String, descriptor: Int32 = STDERR_FILENO) {
        self.name = name
        self.descriptor = descriptor
    }

    /// Shows how far it is in place of what was shown before.
    package func show(_ progress: DownloadProgress, at now: ContinuousClock.Instant) {
        let rate = state.withLock { state -> Double in
            state.isShown = true
            state.samples.append((now, progress.bytes))
            // What the last five seconds brought.
            while state.samples.count > 2, state.samples[0].time + .seconds(5) < now { state.samples.removeFirst() }
            let first = state.samples[0]
            let elapsed = first.time.duration(to: now) / .seconds(1)
            return elapsed > 0 ? Double(max(0, progress.bytes - first.bytes)) / elapsed : 0
        }
        let line = ProgressLine(
            name: name,
            bytes: progress.bytes,
            length: progress.length,
            rate: rate,
            from: progress.from
        )
        put("\r\(line.text(width: width))\u{1B}[K")
    }

    /// Leaves an empty line behind.
    package func clear() {
        if state.withLock({ $0.isShown }) { put("\r\u{1B}[K") }
    }

    private var width: Int {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    private func put(_ text: String) {
        let bytes = Array(text.utf8)
        _ = write(descriptor, bytes, bytes.count)
    }
}
