package import Content
package import HTTPService
package import NodeConfig

/// Who may use the proxy's listener, and for what: the `proxy_access:` section.
package struct ProxyAccessConfiguration: Sendable, Configurable {
    /// The networks that clients may be in; none: this machine only.
    package var networks: [NetworkPrefix] = []
    /// A file with `user:password` lines; clients must then show one of them.
    package var usersFile: String?
    /// The ports that CONNECT may lead to.
    package var connectPorts = [443]
    /// A tunnel that nothing goes through for so long is cut off.
    package var tunnelIdleTimeout: Duration = .seconds(3600)

    package init() {}

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.list("networks", &networks)
        try fields.optional("users_file", &usersFile)
        if let usersFile {
            let fault = ProxyUsers.fault(ofFile: usersFile)
            try fields.check("users_file", fault == nil, fault ?? "")
        }
        try fields.list("connect_ports", &connectPorts)
        let arePorts = connectPorts.allSatisfy { (1...65535).contains($0) }
        try fields.check("connect_ports", arePorts, "must be ports from 1 to 65535")
        try fields.value("tunnel_idle_timeout", &tunnelIdleTimeout)
        try fields.check("tunnel_idle_timeout", tunnelIdleTimeout > .zero, "must be more than nothing")
    }

    /// Why a listener at `address` would be open to strangers, for a person; nil where it is not.
    package func exposure(of address: ListenAddress) -> String? {
        guard networks.isEmpty, case .tcp(let host, _) = address.place, host != "localhost",
            !(IPAddress(host).map { host in NetworkPrefix.loopback.contains { $0.contains(host) } } ?? false)
        else { return nil }
        return """
            is at \(address), where other machines reach it: proxy_access.networks has to say who may use it, \
            such as [10.0.0.0/8]; or let its address be on 127.0.0.1
            """
    }
}
