internal import FoundationEssentials
internal import NodeConfig
internal import RegistryProtocol
internal import Synchronization

/// A docker `config.json` that somebody may rewrite at any time.
final class DockerLogins: Sendable {
    private let path: String
    private let last: Mutex<(version: FileVersion?, config: DockerConfig)>

    init(path: String) throws(DockerConfig.Fault) {
        self.path = path
        last = Mutex((FileVersion(path: path), try Self.read(path)))
    }

    /// The logins as they are now; while the file can not be used, as they were.
    var current: DockerConfig {
        let version = FileVersion(path: path)
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
}
