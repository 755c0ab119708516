import TestSupport

/// The ways that dfget may take, with the options for each.
typealias Routes = [(name: String, options: [String])]

/// Runs a supernode, a daemon that knows it and one that knows none, for the time of `body`.
///
/// `supernode`: more of its configuration.
func withRoutes<Result>(
    in directory: String,
    supernode: String = "",
    _ body: (Routes) async throws -> Result
) async throws -> Result {
    try await withCluster(of: 1, registry: "http://127.0.0.1:1", in: directory, supernode: supernode) {
        supernode,
        daemons in
        let configuration = Configurations.daemon(home: "\(directory)/alone/home", supernodes: [])
        return try await withDaemon(configuration, in: "\(directory)/alone") { alone in
            func home(_ daemon: Daemon) -> String { String(daemon.socket.dropLast("/dfdaemon.sock".count)) }
            return try await body([
                ("alone", []),
                ("supernode", ["-n", supernode.api]),
                ("daemon", ["--home", home(alone)]),
                ("daemon-and-supernode", ["--home", home(daemons[0])]),
            ])
        }
    }
}
