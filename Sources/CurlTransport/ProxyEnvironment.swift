internal import Content

/// The proxy variables of an environment, read as curl reads them.
///
/// The transport decides by itself and tells libcurl the outcome: it has to know whether the address that is connected
/// to is the origin's or the proxy's.
struct ProxyEnvironment: Sendable {
    private let variables: [String: String]

    init(_ variables: [String: String]) { self.variables = variables }

    /// The proxy for a URL; nil for none.
    func proxy(for url: ResourceURL) -> String? {
        guard let proxy = configured(for: url.scheme), !isExempt(url.host) else { return nil }
        return proxy
    }

    private func configured(for scheme: String) -> String? {
        // `HTTP_PROXY` is not read: a CGI server sets it from a request's `Proxy` field.
        let names = ["\(scheme)_proxy"] + (scheme == "http" ? [] : ["\(scheme.uppercased())_PROXY"])
        for name in names + ["all_proxy", "ALL_PROXY"] {
            if let value = variables[name] { return value.isEmpty ? nil : value }
        }
        return nil
    }

    private func isExempt(_ host: String) -> Bool {
        guard let list = variables["no_proxy"] ?? variables["NO_PROXY"] else { return false }
        let address = IPAddress(withZone: host)
        return list.split(whereSeparator: { $0 == "," || $0 == " " || $0 == "\t" }).contains { entry in
            if entry == "*" { return true }
            let name = entry.lowercased().drop { $0 == "[" || $0 == "." }.prefix { $0 != "]" }
            if let address { return NetworkPrefix(name)?.contains(address) ?? false }
            return host == name || host.hasSuffix(".\(name)")
        }
    }
}
