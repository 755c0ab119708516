import FoundationEssentials
package import NodeConfig
package import RegistryProtocol

/// A file of logins.
package enum Logins {
    /// Reads a docker `config.json`.
    package static func load(_ path: String) throws(ConfigError) -> DockerConfig {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ConfigError(file: path, message: "can not be read")
        }
        do throws(DockerConfig.Fault) {
            return try DockerConfig(json: Array(data))
        } catch {
            throw ConfigError(file: path, message: error.message)
        }
    }
}
