internal import Glibc

/// A process that a process of ours has left behind, found by a file that it has open.
package struct ForeignProcess: Sendable {
    /// The process id.
    package let processIdentifier: Int32

    /// The process other than ours that has `path` open, if there is one.
    package init?(holding path: String) {
        let own = getpid()
        for process in Self.names(in: "/proc").compactMap({ Int32($0) }) where process != own {
            let directory = "/proc/\(process)/fd"
            if Self.names(in: directory).contains(where: { Self.target(of: "\(directory)/\($0)") == path }) {
                processIdentifier = process
                return
            }
        }
        return nil
    }

    /// Read entry by entry: processes come and go meanwhile, and that is no error.
    private static func names(in directory: String) -> [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            names.append(
                withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            )
        }
        return names
    }

    private static func target(of link: String) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(link, &buffer, buffer.count)
        return count < 0 ? nil : String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Asks it to stop.
    package func terminate() { kill(processIdentifier, SIGTERM) }

    /// Returns when it has ended; fails if that takes longer than `limit`.
    package func end(within limit: Duration = .seconds(60)) async throws {
        let watch = RunningProcess.Command("tail", ["--pid=\(processIdentifier)", "-s", "0.1", "-f", "/dev/null"])
        try await runSuccessfully(watch, within: limit)
    }
}
