import Content
import HTTPService
import HTTPTypes
import Hummingbird

/// Decides who may use the proxy's listener.
struct ProxyAccess: Sendable {
    private let networks: [NetworkPrefix]
    private let users: ProxyUsers?

    init(_ configuration: ProxyAccessConfiguration) {
        networks = configuration.networks.isEmpty ? NetworkPrefix.loopback : configuration.networks
        users = configuration.usersFile.map { ProxyUsers(file: $0) }
    }

    /// Whether all clients at one address are let in alike.
    var knowsNoUsers: Bool { users == nil }

    /// Throws what the client is told where it is not let in.
    ///
    /// What comes over an intercepted connection was let in with the CONNECT.
    func check(_ request: Request, _ context: ServiceRequestContext) throws(APIError) {
        guard isNear(context.remote) else {
            throw APIError(
                .forbidden,
                "client_not_allowed",
                "clients at \(context.remote.ip ?? "") may not use this proxy: see proxy_access.networks"
            )
        }
        guard let users, !context.isIntercepted else { return }
        if let user = users.user(showing: request.headers[.proxyAuthorization], logger: context.logger) {
            context.notes["user"] = user
            return
        }
        throw APIError(
            .proxyAuthenticationRequired,
            "proxy_authentication_required",
            "this proxy wants a user and password",
            headers: [.proxyAuthenticate: #"Basic realm="darter", charset="UTF-8""#]
        )
    }

    /// Whoever reaches a Unix socket has the rights to.
    private func isNear(_ remote: RemoteAddress) -> Bool {
        guard let text = remote.ip else { return true }
        guard let address = IPAddress(text.prefix { $0 != "%" }) else { return false }
        return networks.contains { $0.contains(address) }
    }
}
