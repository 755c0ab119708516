package import Content
internal import Foundation

/// A containerd of its own; needs root.
package struct ContainerRuntime: Sendable {
    /// The server's process.
    package let process: RunningProcess
    private let directory: String

    /// The socket that it answers at.
    package var socket: String { "\(directory)/c.sock" }

    fileprivate init(process: RunningProcess, directory: String) {
        self.process = process
        self.directory = directory
    }

    /// Makes pulls from `host` try `mirrors` (URLs, at least one: containerd refuses a table without hosts) in order and
    /// then `server`.
    package func mirror(host: String, server: String, through mirrors: [String]) throws {
        let hosts = "\(directory)/certs.d/\(host)"
        try FileManager.default.createDirectory(atPath: hosts, withIntermediateDirectories: true)
        var text = "server = \"\(server)\"\n"
        for mirror in mirrors {
            text += "[host.\"\(mirror)\"]\n  capabilities = [\"pull\", \"resolve\"]\n"
        }
        try text.write(toFile: "\(hosts)/hosts.toml", atomically: true, encoding: .utf8)
    }

    /// Pulls and unpacks an image, and returns the digest of what its name stands for then.
    ///
    /// Another namespace shares nothing with this one: it pulls everything again. `hosts`: another directory than the
    /// one that ``mirror(host:server:through:)`` writes to.
    package func pull(
        _ reference: String,
        namespace: String = "default",
        credentials: String? = nil,
        plainHTTP: Bool = false,
        hosts: String? = nil,
        within limit: Duration = .seconds(120)
    ) async throws -> Digest {
        var options = ["--hosts-dir", hosts ?? "\(directory)/certs.d", "--snapshotter", "native"]
        if let credentials { options += ["--user", credentials] }
        if plainHTTP { options.append("--plain-http") }
        try await runSuccessfully(ctr(namespace, ["images", "pull"] + options + [reference]), within: limit)
        let list = try await runSuccessfully(ctr(namespace, ["images", "ls", "name==\(reference)"]))
        let words = list.split(whereSeparator: \.isWhitespace)
        guard let digest = words.lazy.compactMap({ Digest($0) }).first else {
            throw RigError("containerd does not list \(reference):\n\(list)")
        }
        return digest
    }

    /// The digests of everything a namespace holds; containerd has verified them.
    package func content(namespace: String = "default") async throws -> Set<Digest> {
        let list = try await runSuccessfully(ctr(namespace, ["content", "ls", "--quiet"]))
        return Set(list.split(separator: "\n").compactMap { Digest($0) })
    }

    private func ctr(_ namespace: String, _ arguments: [String]) -> RunningProcess.Command {
        .init("ctr", ["-a", socket, "-n", namespace] + arguments)
    }
}

/// Runs containerd for the time of `body`.
package func withContainerd<Result>(_ body: (ContainerRuntime) async throws -> Result) async throws -> Result {
    try await withTemporaryDirectory { directory in
        let command = RigScripts.command("start-containerd.sh", [directory, "--foreground"])
        return try await withProcess(command) { process in
            try await process.line(containing: "containerd successfully booted")
            return try await body(ContainerRuntime(process: process, directory: directory))
        }
    }
}
