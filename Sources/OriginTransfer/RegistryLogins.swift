public import NodeConfig
public import RegistryProtocol

/// The keys that say who the node is at a registry: `username` with `password` or `password_file`, or `docker_config`.
///
/// Files are read again whenever they have changed.
public struct RegistryLogins: Configurable {
    private var user = PasswordSettings()
    private var dockerConfig: String?
    private var logins: DockerLogins?

    /// Nobody.
    public init() {}

    /// Visits the fields.
    public mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try user.bind(&fields)
        try fields.optional("docker_config", &dockerConfig)
        try fields.check("docker_config", dockerConfig == nil || !user.isGiven, "contradicts 'username'")
        logins = nil
        if let dockerConfig {
            do throws(DockerConfig.Fault) {
                logins = try DockerLogins(path: dockerConfig)
            } catch {
                try fields.check("docker_config", false, "can not be used: \(dockerConfig): \(error)")
            }
        }
    }

    /// Whether there is anything that could log in.
    public var isGiven: Bool { user.isGiven || logins != nil }

    /// Who the node is at the registry of that host (with a port where it has one), as it stands now.
    ///
    /// Throws where the login is kept by a credential helper.
    public func credentials(
        for host: String,
        repository: RepositoryName?
    ) throws(DockerConfig.Fault) -> RegistryCredentials {
        if let user = user.current { return .basic(user: user.user, password: user.password.reveal()) }
        return try logins?.current.credentials(for: host, repository: repository) ?? .anonymous
    }
}
