package import Content
internal import Foundation

/// A dockerd of its own; needs root.
package struct DockerEngine: Sendable {
    /// The server's process.
    package let process: RunningProcess
    private let directory: String

    fileprivate init(process: RunningProcess, directory: String) {
        self.process = process
        self.directory = directory
    }

    /// Pulls an image, returns the digest of what its name stands for then, and removes it again.
    ///
    /// `credentials`: `user:password` for the registry that the reference begins with.
    package func pull(_ reference: String, credentials: String? = nil) async throws -> Digest {
        var logins = "{}"
        if let credentials, let place = reference.split(separator: "/").first {
            logins = #"{"auths": {"\#(place)": {"auth": "\#(Data(credentials.utf8).base64EncodedString())"}}}"#
        }
        try await withTemporaryDirectory { home in
            try logins.write(toFile: "\(home)/config.json", atomically: true, encoding: .utf8)
            try await runSuccessfully(docker(["pull", "--quiet", reference], home: home))
        }
        let format = "{{index .RepoDigests 0}}"
        let printed = try await runSuccessfully(docker(["image", "inspect", "--format", format, reference]))
        try await runSuccessfully(docker(["image", "rm", "--force", reference]))
        let words = printed.trimmingCharacters(in: .whitespacesAndNewlines).split(separator: "@")
        guard words.count == 2, let digest = Digest(String(words[1])) else {
            throw RigError("docker printed \(printed)")
        }
        return digest
    }

    private func docker(_ arguments: [String], home: String? = nil) -> RunningProcess.Command {
        var command = RunningProcess.Command("docker", arguments)
        command.environment = ["DOCKER_HOST": "unix://\(directory)/d.sock", "DOCKER_CONFIG": home ?? directory]
        return command
    }
}

/// Runs dockerd for the time of `body`.
///
/// `settings`: a directory that is its `/etc/docker`; nil: an empty one.
package func withDockerd<Result>(
    settings: String? = nil,
    _ body: (DockerEngine) async throws -> Result
) async throws -> Result {
    try await withTemporaryDirectory { directory in
        // A containerd that dockerd starts itself would outlive a dockerd that is killed.
        try await withContainerd { runtime in
            let options = settings.map { ["--settings", $0] } ?? []
            let arguments = [directory, "--containerd", runtime.socket, "--foreground"] + options
            return try await withProcess(RigScripts.command("start-dockerd.sh", arguments)) { process in
                try await process.line(containing: "API listen on")
                return try await body(DockerEngine(process: process, directory: directory))
            }
        }
    }
}
