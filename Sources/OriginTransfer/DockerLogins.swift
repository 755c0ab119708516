internal import FoundationEssentials
internal import Glibc
internal import RegistryProtocol
internal import Synchronization

/// A docker `config.json` that somebody may rewrite at any time.
final class DockerLogins: Sendable {
    /// What tells one version of the file from another.
    private struct Version: Equatable {
        let inode: UInt64
        let size: Int64
        let seconds: Int
        let nanoseconds: Int
    }

    private let path: String
    private let last: Mutex<(version: Version?, config: DockerConfig)>

    init(path: String) throws(DockerConfig.Fault) {
        self.path = path
        last = Mutex((Self.version(of: path), try Self.read(path)))
    }

    /// The logins as they are now; while the file can not be used, as they were.
    var current: DockerConfig {
        let version = Self.version(of: path)
        return last.withLock { last in
            guard version != last.version, let config = try? Self.read(path) else { return last.config }
            last = (version, config)
            return config
        }
    }

    private static func read(_ path: String) throws(DockerConfig.Fault) -> DockerConfig {
        // What can not be read is no configuration either.
        try DockerConfig(json: FileManager.default.contents(atPath: path).map { Array($0) } ?? [])
    }

    private static func version(of path: String) -> Version? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return Version(
            inode: UInt64(status.st_ino),
            size: Int64(status.st_size),
            seconds: Int(status.st_mtim.tv_sec),
            nanoseconds: Int(status.st_mtim.tv_nsec)
        )
    }
}
