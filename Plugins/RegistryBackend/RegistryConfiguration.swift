internal import Content
public import NodeConfig
internal import OriginTransfer
internal import RegistryProtocol

/// The keys of `plugin: registry`.
public struct RegistryConfiguration: Configurable {
    private var user = PasswordSettings()
    private var dockerConfig: String?
    private var logins: DockerLogins?
    private(set) var plainHTTP = false
    private(set) var transfers = TransferSettings()

    /// Anonymous, and in everything else what the node does.
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
        try fields.value("plain_http", &plainHTTP)
        try transfers.bind(&fields)
    }

    /// Who the node is at a registry, as it stands now.
    func credentials(
        for url: ResourceURL,
        repository: RepositoryName?
    ) throws(DockerConfig.Fault) -> RegistryCredentials {
        if let user = user.current { return .basic(user: user.user, password: user.password.reveal()) }
        return try logins?.current.credentials(for: url.authority, repository: repository) ?? .anonymous
    }
}
