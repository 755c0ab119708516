import Content
import CurlTransport
import RegistryProtocol

/// What an answer to `GET /v2/` through the daemon means.
struct RegistryAnswer: Sendable {
    let status: Int
    let fields: HeaderFields
    let body: [UInt8]

    init(_ response: BufferedResponse) {
        self.init(status: response.head.status, fields: response.head.fields, body: response.body)
    }

    init(status: Int, fields: HeaderFields, body: [UInt8]) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    /// What the answer says for a person, where it is one of a registry.
    var message: String? {
        RegistryErrorBody(json: body)?.errors.first.map { $0.message.isEmpty ? $0.code.text : $0.message }
    }

    /// Where a login is to be had; nil where none is wanted.
    var login: String? {
        guard status == 401 else { return nil }
        let challenges = Challenge.parse(fields.values(of: "WWW-Authenticate"))
        if let bearer = challenges.lazy.compactMap({ BearerChallenge($0) }).first {
            return "tokens come from \(bearer.realm.withoutQuery)"
        }
        let schemes = challenges.map(\.scheme).joined(separator: ", ")
        return schemes.isEmpty ? "it does not say which" : "by \(schemes)"
    }

    /// Nil where the registry has to be asked directly to know more.
    ///
    /// `login`: who dfdaemon is there, in words; nil: nobody.
    func finding(_ subject: String, login own: String? = nil) -> Finding? {
        switch status {
        case 200..<300:
            guard let own else { return Finding(.ok, subject, "answers, without a login") }
            return Finding(
                .ok,
                subject,
                "answers; whoever does not log in there reads with the login of dfdaemon's configuration (\(own))"
            )
        case 401 where own != nil:
            return Finding(
                .failed,
                subject,
                "does not take the login of dfdaemon's configuration (\(own ?? ""))\(message.map { ": \($0)" } ?? "")",
                remedy:
                    "see username, password, password_file or docker_config of its entry in registry_mirror.registries"
            )
        case 401:
            return Finding(
                .ok,
                subject,
                "answers, and wants a login (\(login ?? "")): runtimes fetch tokens for public images by themselves; private "
                    + "ones need credentials (imagePullSecrets, docker login, podman login, ctr --user)"
            )
        case 403:
            return Finding(
                .failed,
                subject,
                "refuses this node (403)",
                remedy: "see its rules for networks and clients"
            )
        case 404 where RegistryErrorBody(json: body) != nil:
            return Finding(
                .failed,
                subject,
                message ?? "404",
                remedy:
                    "name it in registry_mirror.registries of dfdaemon.yml, or give registry_mirror.remote the base URL "
                    + "of a registry, and restart dfdaemon"
            )
        case 404:
            return Finding(.failed, subject, "is no registry: 404 for /v2/", remedy: "see its url in registry_mirror")
        case 429:
            return Finding(
                .note,
                subject,
                "has had too many requests from here for now (429)",
                remedy: "log in, or wait"
            )
        default: return nil
        }
    }
}

/// Why a registry can not be reached, and what to do.
enum RegistryTrouble {
    static func finding(_ subject: String, _ error: TransferError) -> Finding {
        Finding(.failed, subject, error.message, remedy: remedy(error.code))
    }

    private static func remedy(_ code: TransferError.Code) -> String {
        switch code {
        case .tls:
            "give the file with its authority as ca_file in registry_mirror.registries (and on supernodes in a `backends:` "
                + "entry), and see the machine's clock"
        case .cannotResolve: "see the name, and the DNS servers in /etc/resolv.conf"
        case .addressRefused: "list its network in origin.allow_addresses, if it really is meant"
        case .cannotConnect, .timedOut, .tooSlow:
            "see its url, the firewall, and whether dfdaemon's environment needs https_proxy"
        default: "see its url in registry_mirror"
        }
    }
}
