import FoundationEssentials
import Glibc

/// Who listens on a TCP port of this machine, by Linux's /proc.
struct PortOwner: Sendable, Hashable {
    let name: String
    let pid: Int

    /// Nil where nobody does, or it can not be seen: other users' processes show it to root only.
    static func of(port: Int) -> PortOwner? {
        let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map { text(of: $0) }
        let sockets = Set(tables.flatMap { inodes(of: $0, listeningOn: port) }.map { "socket:[\($0)]" })
        guard !sockets.isEmpty else { return nil }
        let manager = FileManager.default
        for pid in ((try? manager.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap({ Int($0) }).sorted() {
            let directory = "/proc/\(pid)/fd"
            for descriptor in (try? manager.contentsOfDirectory(atPath: directory)) ?? [] {
                let target = try? manager.destinationOfSymbolicLink(atPath: "\(directory)/\(descriptor)")
                guard let target, sockets.contains(target) else { continue }
                let name = text(of: "/proc/\(pid)/comm").prefix { !$0.isNewline }
                return PortOwner(name: String(name), pid: pid)
            }
        }
        return nil
    }

    /// The inodes of listening sockets in a table such as /proc/net/tcp (proc(5)).
    static func inodes(of table: String, listeningOn port: Int) -> [Substring] {
        table.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            // 0A is TCP_LISTEN.
            guard fields.count > 9, fields[3] == "0A", let colon = fields[1].lastIndex(of: ":"),
                Int(fields[1][fields[1].index(after: colon)...], radix: 16) == port
            else { return nil }
            return fields[9]
        }
    }

    /// The kernel gives its tables away page by page: what Foundation takes for the end of such a file is that of the first
    /// one.
    private static func text(of path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += buffer[..<count]
        }
    }
}
