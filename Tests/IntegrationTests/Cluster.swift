import TestSupport

/// Configurations for servers of ours that listen wherever there is room and may go to origins on loopback.
///
/// Further YAML of a test's own goes behind; it must not repeat these keys.
enum Configurations {
    /// `port`: of the API, for supernodes that come back at the same place.
    ///
    /// `listener`: of all listeners.
    static func supernode(
        home: String,
        port: UInt16 = 0,
        listener: String = "",
        store: String = "",
        _ more: String = ""
    ) -> String {
        """
        api: {address: "127.0.0.1:\(port)"\(listener)}
        pieces: {address: "127.0.0.1:0"\(listener)}
        home: \(home)
        store: {free_space_floor: 1MiB\(store)}
        origin: {allow_addresses: [127.0.0.0/8], retry: {base_delay: 50ms}}
        log: {level: debug}
        \(more)
        """
    }

    /// `registry`: where requests go that name no registry.
    static func daemon(
        home: String,
        supernodes: [String],
        registry: String = "http://127.0.0.1:1",
        registries: String = "",
        listener: String = "",
        store: String = "",
        peer: String = "",
        _ more: String = ""
    ) -> String {
        """
        proxy: {address: "127.0.0.1:0"\(listener)}
        pieces: {address: "127.0.0.1:0"\(listener)}
        health: {address: "127.0.0.1:0"\(listener)}
        home: \(home)
        store: {free_space_floor: 1MiB\(store)}
        supernodes: [\(supernodes.map { "\"\($0)\"" }.joined(separator: ", "))]
        registry_mirror: {remote: "\(registry)", registries: [\(registries)]}
        peer: {failover: 2s, back_to_source_delay: 50ms\(peer)}
        origin: {allow_addresses: [127.0.0.0/8], retry: {base_delay: 50ms}}
        log: {level: debug}
        \(more)
        """
    }
}

/// Runs a supernode and so many daemons that know it for the time of `body`, their homes below `directory`.
func withCluster<Result>(
    of count: Int,
    registry: String,
    registries: String = "",
    in directory: String,
    listener: String = "",
    supernode: String = "",
    daemon: String = "",
    _ body: (Supernode, [Daemon]) async throws -> Result
) async throws -> Result {
    let home = "\(directory)/supernode"
    let configuration = Configurations.supernode(home: "\(home)/home", listener: listener, supernode)
    return try await withSupernode(configuration, in: home) { supernode in
        let configurations = (0..<count).map { number in
            Configurations.daemon(
                home: "\(directory)/daemon\(number)/home",
                supernodes: [listener.isEmpty ? supernode.api : "https://\(supernode.api)"],
                registry: registry,
                registries: registries,
                listener: listener,
                daemon
            )
        }
        return try await withDaemons(configurations[...], in: directory, started: []) { daemons in
            try await body(supernode, daemons)
        }
    }
}

private func withDaemons<Result>(
    _ configurations: ArraySlice<String>,
    in directory: String,
    started: [Daemon],
    _ body: ([Daemon]) async throws -> Result
) async throws -> Result {
    guard let first = configurations.first else { return try await body(started) }
    return try await withDaemon(first, in: "\(directory)/daemon\(started.count)") { daemon in
        try await withDaemons(configurations.dropFirst(), in: directory, started: started + [daemon], body)
    }
}

extension Daemon {
    /// Bytes that it has received from `source` so far: `origin`, `supernode` or `peer`.
    func received(from source: String) async throws -> Int64 {
        let value = try await MetricsSnapshot.of(health).value("darter_received_bytes_total", ["from": source])
        return Int64(value ?? 0)
    }
}

extension Supernode {
    /// Bytes that it has received from origins so far.
    func receivedFromOrigin() async throws -> Int64 {
        let value = try await MetricsSnapshot.of(api).value("darter_received_bytes_total", ["from": "origin"])
        return Int64(value ?? 0)
    }
}
