internal import Glibc
internal import Synchronization

/// One of a process's two outputs, collected as it comes and cut into lines.
final class ProcessOutput: Sendable {
    fileprivate struct State {
        var bytes: [UInt8] = []
        /// Where the line that is not complete yet starts in `bytes`.
        var lineStart = 0
        /// Whether it has a NUL byte, and so is no text that could be cut into lines.
        var isBinary = false
    }

    private let state = Mutex(State())
    private let log: LineLog

    /// Lines go to `log` as well.
    init(log: LineLog) {
        self.log = log
    }

    /// All of it; nothing where it is no text.
    ///
    /// To repair what is not UTF-8 takes minutes for a few MiB: the library throws for each fault, and the test runner looks at
    /// the stack whenever something is thrown.
    var text: String { state.withLock { $0.isBinary ? "" : String(decoding: $0.bytes, as: UTF8.self) } }

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
        let lines = state.withLock { state -> [String] in
            // What is there of the last line has no end.
            let searchStart = state.bytes.count
            state.bytes += new
            state.isBinary = state.isBinary || new.contains(0)
            guard !state.isBinary else { return [] }
            return state.cutLines(from: searchStart, endsLine: endsLine)
        }
        for line in lines { log.append(line) }
    }
}

extension ProcessOutput.State {
    /// The lines that are complete now, whose ends lie at `searchStart` or behind it.
    fileprivate mutating func cutLines(from searchStart: Int, endsLine: Bool) -> [String] {
        var lines: [String] = []
        lineStart = bytes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return 0 }
            var (start, position) = (lineStart, searchStart)
            // The C library's search: megabytes of a file are output too, and a loop of ours takes seconds for them when
            // it is not optimized.
            while position < bytes.count, let found = memchr(base + position, 0x0A, bytes.count - position) {
                let end = base.distance(to: UnsafeRawPointer(found))
                lines.append(String(decoding: UnsafeRawBufferPointer(rebasing: bytes[start..<end]), as: UTF8.self))
                (start, position) = (end + 1, end + 1)
            }
            if endsLine, start < bytes.count {
                lines.append(String(decoding: UnsafeRawBufferPointer(rebasing: bytes[start...]), as: UTF8.self))
                start = bytes.count
            }
            return start
        }
        return lines
    }
}
