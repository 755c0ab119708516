import Content
import Foundation
import TestSupport

/// A daemon whose proxy is tried out, with its log.
struct ProxyRig: Sendable {
    let daemon: Daemon
    let directory: String

    var port: Int { daemon.proxy.split(separator: ":").last.flatMap { Int($0) } ?? 0 }

    /// Runs a daemon with loopback origins for the time of `body`.
    ///
    /// `more`: YAML of `proxy_access` and `hijack_https`; `listener`: keys of the proxy's listener and the others.
    static func with<Result>(
        _ more: String = "",
        listener: String = "",
        in directory: String,
        _ body: (ProxyRig) async throws -> Result
    ) async throws -> Result {
        let configuration = Configurations.daemon(
            home: "\(directory)/proxy/home",
            supernodes: [],
            listener: listener,
            more
        )
        return try await withDaemon(configuration, in: "\(directory)/proxy") { daemon in
            try await body(ProxyRig(daemon: daemon, directory: directory))
        }
    }

    /// Runs curl through the proxy; the body goes to the file `out`.
    ///
    /// Standard output has status, that of the CONNECT, and how many connections were made.
    func curl(_ arguments: String...) async throws -> CommandResult {
        try await run(
            .init(
                "curl",
                [
                    "--silent", "--show-error", "--max-time", "60", "--noproxy", "", "--proxy",
                    "http://\(daemon.proxy)",
                    "--output", out, "--write-out", "%{http_code} %{http_connect} %{num_connects}\n",
                ] + arguments
            )
        )
    }

    var out: String { "\(directory)/out" }

    func body() throws -> String { String(decoding: try Data(contentsOf: URL(filePath: out)), as: UTF8.self) }

    /// Opens a tunnel and gives `body` the connection.
    func connect<Result: Sendable>(
        to authority: String,
        _ body: (ByteConnection) async throws -> Result
    ) async throws -> Result {
        try await withByteConnection(to: port) { client in
            try await client.send("CONNECT \(authority) HTTP/1.1\r\nHost: \(authority)\r\n\r\n")
            let answer = try await client.read(until: "\r\n\r\n")
            guard answer == "HTTP/1.1 200 Connection established\r\n\r\n" else {
                throw RigError("no tunnel: \(answer)")
            }
            return try await body(client)
        }
    }

    /// How many threads the daemon has.
    func threads() throws -> Int {
        try FileManager.default
            .contentsOfDirectory(atPath: "/proc/\(daemon.process.processIdentifier)/task").count
    }

    /// How many descriptors it has open.
    func descriptors() throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(daemon.process.processIdentifier)/fd").count
    }
}
