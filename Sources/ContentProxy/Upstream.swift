import Content
import CurlTransport
import HTTPTypes
import OriginTransfer
import RegistryProtocol

/// A registry that requests are passed on to.
struct Upstream: Sendable {
    /// The name that images know it by, such as `docker.io`.
    let name: String
    let base: RegistryBase
    let options: TransferOptions
    /// Who the node is there, where a client does not say who it is.
    let logins: RegistryLogins

    var isDockerHub: Bool { name == ImageReference.dockerHub }

    /// The URL of a path and query there.
    func url(_ path: RegistryPath, query: String?) -> String {
        base.url.origin + path.description + (query.map { "?\($0)" } ?? "")
    }

    /// Its silence for `most` and no longer, from now on.
    func silence(_ most: Duration) -> Silence { Silence(of: base.url.origin, registry: name, most: most) }
}

/// What a request to the mirror is for.
struct MirrorTarget: Sendable {
    /// How the request names its registry.
    enum Form: Sendable, Hashable {
        /// Not at all: the remote is meant.
        case remote
        /// By containerd's `ns=`.
        case namespace(String)
        /// By the first component of the path.
        case prefix(String)
    }

    let upstream: Upstream
    let form: Form
    /// The path at the registry.
    let path: RegistryPath
    /// The query without `ns`.
    let query: String?

    var url: String { upstream.url(path, query: query) }

    /// Whether the client could not log in by itself: it would ask for a scope with the prefix in it.
    var isPrefixed: Bool {
        if case .prefix = form { true } else { false }
    }
}

extension MirrorTarget {
    /// Whether a request is for the registry's own word, whatever is here: on what a tag names, or what a repository has.
    func asksRegistry(_ method: HTTPRequest.Method) -> Bool {
        switch (path, method) {
        case (.manifest(_, .tag), .get), (.manifest, .head), (.blob, .head): true
        default: false
        }
    }

    /// What a client that follows a reference of the registry's answer is to be told, so that it comes here again.
    ///
    /// A reference to another place than the registry's API stays as it is.
    func rewritten(_ reference: String) -> String {
        let origin = upstream.base.url.origin
        let isAbsolute = reference.hasPrefix(origin + "/")
        let local = isAbsolute ? String(reference.dropFirst(origin.utf8.count)) : reference
        guard local.hasPrefix("/v2/") else { return reference }
        switch form {
        case .remote: return local
        case .prefix(let name): return "/v2/\(name)/" + local.dropFirst(4)
        case .namespace(let name):
            let parts = local.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
            return parts[0] + (parts[0].contains("?") ? "&" : "?") + "ns=\(name)"
        }
    }

    /// A `Link` field's value with its targets rewritten (RFC 8288).
    func rewritten(link value: String) -> String {
        var result = ""
        var rest = value[...]
        while let start = rest.firstIndex(of: "<"), let end = rest[start...].firstIndex(of: ">") {
            result += rest[...start] + rewritten(String(rest[rest.index(after: start)..<end]))
            rest = rest[end...]
        }
        return result + rest
    }
}
