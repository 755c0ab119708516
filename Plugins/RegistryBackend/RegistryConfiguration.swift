internal import Content
public import NodeConfig
internal import OriginTransfer
internal import RegistryProtocol

/// The keys of `plugin: registry`.
public struct RegistryConfiguration: Configurable {
    private var logins = RegistryLogins()
    private(set) var plainHTTP = false
    private(set) var transfers = TransferSettings()

    /// Anonymous, and in everything else what the node does.
    public init() {}

    /// Visits the fields.
    public mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try logins.bind(&fields)
        try fields.value("plain_http", &plainHTTP)
        try transfers.bind(&fields)
    }

    /// Who the node is at a registry, as it stands now.
    func credentials(
        for url: ResourceURL,
        repository: RepositoryName?
    ) throws(DockerConfig.Fault) -> RegistryCredentials {
        try logins.credentials(for: url.authority, repository: repository)
    }
}
