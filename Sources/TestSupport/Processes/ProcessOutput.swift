internal import Foundation
internal import Synchronization

/// One of a process's two outputs, collected as it comes and cut into lines.
final class ProcessOutput: Sendable {
    private struct State {
        var bytes: [UInt8] = []
        /// Where the line that is not complete yet starts in `bytes`.
        var lineStart = 0
    }

    private let state = Mutex(State())
    private let log: LineLog

    /// Lines go to `log` as well.
    init(log: LineLog) {
        self.log = log
    }

    var bytes: [UInt8] { state.withLock { $0.bytes } }

    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Reads what is there without waiting; false at the end of the stream.
    func drain(_ descriptor: Int32) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count > 0 {
                append(buffer[..<count])
            } else if count == 0 {
                return false
            } else if errno != EINTR {
                return errno == EAGAIN
            }
        }
    }

    /// A last line without a line feed is a line too.
    func end() { append([], endsLine: true) }

    private func append(_ new: ArraySlice<UInt8>, endsLine: Bool = false) {
        let lines = state.withLock { state in
            state.bytes += new
            var lines: [String] = []
            while let end = state.bytes[state.lineStart...].firstIndex(of: UInt8(ascii: "\n")) {
                lines.append(String(decoding: state.bytes[state.lineStart..<end], as: UTF8.self))
                state.lineStart = end + 1
            }
            if endsLine, state.lineStart < state.bytes.count {
                lines.append(String(decoding: state.bytes[state.lineStart...], as: UTF8.self))
                state.lineStart = state.bytes.count
            }
            return lines
        }
        for line in lines { log.append(line) }
    }
}
