public import Content
public import NodeConfig

/// The backends of a process, and which of them serves a URL.
///
/// The most specific entry wins: an exact host before the longest suffix before `*`, with a port before without, then
/// the longer path. A plugin that no entry names serves its schemes on all hosts, wherever no entry does.
public struct BackendRegistry: Sendable {
    private struct Route: Sendable {
        let scheme: String
        let host: HostPattern
        /// A prefix of whole path components; nil: every path.
        let path: String?
        let backend: any Backend
        /// The entry's place in the configuration; nil for a default.
        let entry: RawConfig?

        var key: String { "\(scheme)://\(host.text)\(path ?? "/")" }
        var rank: [Int] { host.rank + [path?.utf8.count ?? 0, entry == nil ? 0 : 1] }

        func matches(_ url: ResourceURL) -> Bool {
            guard scheme == url.scheme, host.matches(url) else { return false }
            guard let path else { return true }
            // A transport may resolve `..` and so leave the path that was matched.
            return url.path.hasPrefix(path) && !Self.hasDots(url.path)
                && (path.hasSuffix("/") || url.path.utf8.count == path.utf8.count
                    || url.path.dropFirst(path.count).hasPrefix("/"))
        }

        private static func hasDots(_ path: String) -> Bool {
            path.split(separator: "/").contains { component in
                [".", ".."].contains(component.lowercased().replacing("%2e", with: "."))
            }
        }
    }

    private let routes: [Route]
    /// What the plugins serve, whether the configuration lets them or not.
    private let schemes: Set<String>

    /// Makes the backends of all entries, and the defaults of the plugins that none names.
    ///
    /// An unknown plugin, a key that a plugin does not know, or two entries for the same URLs are errors that name file
    /// and line. `decorate` wraps every backend; it gets the plugin's name.
    public init(
        plugins: [any BackendPlugin],
        entries: [BackendEntry],
        decorate: (_ backend: any Backend, _ plugin: String) -> any Backend = { backend, _ in backend }
    ) throws(ConfigError) {
        var byName: [String: any BackendPlugin] = [:]
        for plugin in plugins {
            guard byName.updateValue(plugin, forKey: plugin.name) == nil else {
                throw ConfigError(message: "two backend plugins are named '\(plugin.name)'")
            }
        }
        var routes: [Route] = []
        for entry in entries {
            guard let plugin = byName[entry.plugin] else {
                let known = byName.keys.sorted().map { "'\($0)'" }.joined(separator: ", ")
                throw entry.options.error(nil, "unknown backend plugin '\(entry.plugin)' (there are \(known))")
            }
            let backend = decorate(try plugin.makeBackend(entry.options), plugin.name)
            for scheme in entry.schemes.isEmpty ? plugin.schemes : entry.schemes {
                for host in try Self.patterns(entry) {
                    for path in entry.paths.isEmpty ? [nil] : entry.paths.map({ $0 == "/" ? nil : $0 }) {
                        let route = Route(
                            scheme: scheme,
                            host: host,
                            path: path,
                            backend: backend,
                            entry: entry.options
                        )
                        routes.append(route)
                    }
                }
            }
        }
        let named = Set(entries.map(\.plugin))
        for plugin in plugins where !named.contains(plugin.name) {
            guard let any = HostPattern("*"), let backend = try plugin.makeDefaultBackend() else { continue }
            let decorated = decorate(backend, plugin.name)
            routes += plugin.schemes.map { Route(scheme: $0, host: any, path: nil, backend: decorated, entry: nil) }
        }
        try Self.refuseTies(routes)
        self.routes = routes
        schemes = Set(plugins.flatMap(\.schemes) + routes.map(\.scheme))
    }

    /// The backend that serves `url`.
    ///
    /// Throws ``BackendError/Code/refused`` where the configuration has none for it, and
    /// ``BackendError/Code/unsupported`` where no plugin could.
    public func backend(for url: ResourceURL) throws(BackendError) -> any Backend {
        let matching = routes.filter { $0.matches(url) }
        let best = matching.max { $0.rank.lexicographicallyPrecedes($1.rank) }
        if let best { return best.backend }
        guard !schemes.contains(url.scheme) else {
            throw BackendError(.refused, "no backend is configured for \(url.origin)")
        }
        let known = schemes.sorted().joined(separator: ", ")
        throw BackendError(.unsupported, "no backend serves \(url.scheme): URLs (there are \(known))")
    }

    /// Whether an entry of the configuration names the very host of `url`, and its backend serves the URL: whoever wrote it
    /// knows whose server that is.
    public func names(_ url: ResourceURL) -> Bool {
        let best = routes.filter { $0.matches(url) }.max { $0.rank.lexicographicallyPrecedes($1.rank) }
        guard let best, best.entry != nil, case .exact = best.host.kind else { return false }
        return true
    }

    private static func patterns(_ entry: BackendEntry) throws(ConfigError) -> [HostPattern] {
        var patterns: [HostPattern] = []
        for host in entry.hosts {
            guard let pattern = HostPattern(host) else {
                throw entry.options.error(nil, "'\(host)' is no host pattern")
            }
            patterns.append(pattern)
        }
        return patterns
    }

    /// Two routes match one URL with the same rank only if their keys are the same: of one length, a host has only one
    /// suffix and a path one prefix.
    private static func refuseTies(_ routes: [Route]) throws(ConfigError) {
        var seen: [String: Route] = [:]
        for route in routes {
            let key = "\(route.key) \(route.entry == nil)"
            guard let other = seen.updateValue(route, forKey: key) else { continue }
            guard let entry = route.entry else {
                throw ConfigError(message: "two backend plugins serve '\(route.scheme)' by default")
            }
            let line = other.entry?.line.map { " in line \($0)" } ?? ""
            throw entry.error(nil, "\(route.key) is served by another entry already\(line)")
        }
    }
}
