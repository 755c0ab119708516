import CacheStore
import FoundationEssentials
import Glibc
import OriginFetch
import WireAPI

/// What `dfget server` is told by the dfget that starts it, through an inherited descriptor: it holds keys, and so is
/// never an argument.
struct Handover: Sendable, Codable {
    /// The configuration as YAML, with the supernode and the address in use.
    var configuration: String
    var registration: PeerRegistrationResponse
    /// The number of the last call.
    var sequence: UInt64
    var manifest: PieceManifest
    var record: OriginRecord
    var request: NodeDownloadRequest
    var name: String
    var token: String?

    /// The descriptors that the server finds open.
    enum Inherited {
        /// The finished file.
        static let content: Int32 = 3
        /// A pipe: the length of the handover in decimal digits and a line break, the handover as JSON, and an end when the process
        /// that started the server has ended and makes no more calls.
        static let handover: Int32 = 4
        /// The socket at which that process listened: a peer that connects meanwhile waits in its queue.
        static let listener: Int32 = 5
    }

    /// Starts the server, over the open file `content` and the listening socket; `log`: where it says what it does.
    ///
    /// The caller ends soon after: the server waits for that.
    func startServer(over content: Int32, _ listener: Int32, log: Int32?) throws(ToolFailure) {
        guard let data = try? JSONEncoder().encode(self) else { return }
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw Self.failure("pipe") }
        defer { close(ends[0]) }
        try Self.spawn([content, ends[0], listener], log: log)
        let message = Array("\(data.count)\n".utf8) + data
        let number = message.withUnsafeBytes { writeAll($0, to: ends[1]) }
        guard number == 0 else { throw Self.failure("write", number) }
        // The writing end stays open: it closes with this process.
    }

    /// Starts this very program as `dfget server` in a session of its own, with `descriptors` as 3 and up.
    private static func spawn(_ descriptors: [Int32], log: Int32?) throws(ToolFailure) {
        // Whatever else is open is this process's business.
        for descriptor in Inherited.content..<1024 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        // Out of the way of the numbers that they get.
        let sources = descriptors.map { fcntl($0, F_DUPFD_CLOEXEC, 64) }
        defer { for source in sources { close(source) } }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for standard in STDIN_FILENO...STDERR_FILENO {
            posix_spawn_file_actions_addopen(&actions, standard, "/dev/null", O_RDWR, 0)
        }
        if let log { posix_spawn_file_actions_adddup2(&actions, log, STDERR_FILENO) }
        for (number, source) in sources.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, source, Inherited.content + Int32(number))
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, sessionFlag)
        let arguments: [UnsafeMutablePointer<CChar>?] = [strdup("dfget"), strdup("server"), nil]
        defer { for argument in arguments { free(argument) } }
        var process = pid_t()
        let result = posix_spawn(&process, "/proc/self/exe", &actions, &attributes, arguments, environ)
        guard result == 0 else { throw failure("posix_spawn", result) }
    }

    /// `POSIX_SPAWN_SETSID` of <spawn.h>, which hides it from Swift.
    private static let sessionFlag: Int16 = 0x80

    private static func failure(_ call: String, _ number: Int32 = errno) -> ToolFailure {
        ToolFailure(.failure, "no background server: \(call): \(String(cString: strerror(number)))")
    }

    /// What the process that started this one tells.
    static func inherited() throws(ToolFailure) -> Handover {
        let refusal = ToolFailure(.usage, "'dfget server' is started by dfget itself, after a download")
        var status = stat()
        guard fstat(Inherited.handover, &status) == 0, status.st_mode & S_IFMT == S_IFIFO else { throw refusal }
        var digits: [UInt8] = []
        while let byte = readExactly(1)?.first, byte != UInt8(ascii: "\n"), digits.count < 10 { digits.append(byte) }
        guard let length = Int(String(decoding: digits, as: UTF8.self)), let bytes = readExactly(length),
            let handover = try? JSONDecoder().decode(Handover.self, from: Data(bytes))
        else { throw refusal }
        return handover
    }

    /// Waits until the process that started this one has ended.
    static func waitForParent() {
        _ = readExactly(1)
        close(Inherited.handover)
    }

    private static func readExactly(_ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let read = bytes.withUnsafeMutableBytes { buffer in
                Glibc.read(Inherited.handover, buffer.baseAddress.map { $0 + done }, count - done)
            }
            if read < 0, errno == EINTR { continue }
            guard read > 0 else { return nil }
            done += read
        }
        return bytes
    }
}
