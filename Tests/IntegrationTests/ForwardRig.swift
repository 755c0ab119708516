import Content
import TestSupport

/// Nodes as HTTP proxies, a supernode behind them, and an origin that a test writes.
struct ForwardRig: Sendable {
    let daemons: [Daemon]
    let origin: ScriptedServer

    /// A client behind the node of that number.
    func client(_ number: Int = 0) -> Client { Client(proxy: daemons[number].proxy) }

    /// How often the origin was asked so for a path.
    func count(_ method: String = "GET", _ path: String = "/file") -> Int {
        origin.requests.count { $0.method == method && $0.path == path }
    }
}

/// Runs the rig for the time of `body`.
///
/// `rules`: the `proxies:` list, on one line.
func withForwardRig(
    of count: Int = 1,
    rules: String = "[{regx: .}]",
    _ origin: @escaping ScriptedServer.Handler,
    body: (ForwardRig) async throws -> Void
) async throws {
    try await withTemporaryDirectory { directory in
        try await withScriptedServer(origin) { server in
            try await withCluster(
                of: count,
                registry: "http://127.0.0.1:1",
                in: directory,
                daemon: "proxies: \(rules)"
            ) { _, daemons in
                try await body(ForwardRig(daemons: daemons, origin: server))
            }
        }
    }
}

extension Client.Answer {
    /// What this node's cache says of its part.
    var cacheStatus: String { headers.values(of: "Cache-Status").last ?? "" }
}
