package import Content
internal import Foundation

/// A podman with images, logins and an `/etc/containers` of its own; needs root.
package struct Podman: Sendable {
    private let directory: String

    /// The machine whose `etc/containers` it reads; files below may be written at any time.
    package var root: String { "\(directory)/machine" }

    fileprivate init(directory: String) throws {
        self.directory = directory
        let settings = "\(directory)/machine/etc/containers"
        try FileManager.default.createDirectory(atPath: settings, withIntermediateDirectories: true)
        try #"{"default": [{"type": "insecureAcceptAnything"}]}"#
            .write(toFile: "\(settings)/policy.json", atomically: true, encoding: .utf8)
        try "{}".write(toFile: logins, atomically: true, encoding: .utf8)
    }

    private var logins: String { "\(directory)/auth.json" }

    /// Logs in at `place` (`127.0.0.1:PORT`) as `credentials` (`user:password`).
    package func logIn(at place: String, as credentials: String) async throws {
        let parts = credentials.split(separator: ":").map(String.init)
        let arguments = ["--tls-verify=false", "--authfile", logins, "-u", parts[0], "-p", parts[1], place]
        try await runSuccessfully(command(["login"] + arguments))
    }

    /// Pulls an image, beginning with nothing, and returns the digest of what its name stands for then.
    ///
    /// `plainHTTP`: for references to this machine; mirrors of `/etc/containers` are what is written there.
    package func pull(_ reference: String, plainHTTP: Bool = false) async throws -> Digest {
        try await runSuccessfully(command(["image", "rm", "--all", "--force"]))
        let options = ["--quiet", "--authfile", logins] + (plainHTTP ? ["--tls-verify=false"] : [])
        try await runSuccessfully(command(["pull"] + options + [reference]))
        let printed = try await runSuccessfully(
            command(["image", "inspect", "--format", "{{.Digest}}", reference])
        )
        guard let digest = Digest(printed.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw RigError("podman printed \(printed)")
        }
        return digest
    }

    /// The machine's files are where podman looks for them, in a mount namespace that ends with it.
    ///
    /// There its own directory has a short name as well: podman refuses a long one for what is running.
    private func command(_ arguments: [String]) -> RunningProcess.Command {
        let script =
            #"mount --bind "$0" /mnt && mount --bind "$0/machine/etc/containers" /etc/containers && exec podman "$@""#
        let own = [
            "--root", "/mnt/root", "--runroot", "/mnt/run", "--tmpdir", "/mnt/tmp",
            "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "none",
        ]
        let words = ["--mount", "--propagation", "private", "bash", "-c", script, directory]
        var command = RunningProcess.Command("unshare", words + own + arguments)
        command.environment = ["XDG_RUNTIME_DIR": directory]
        return command
    }
}

/// Gives `body` a podman without images.
package func withPodman<Result>(_ body: (Podman) async throws -> Result) async throws -> Result {
    try await withTemporaryDirectory { directory in try await body(try Podman(directory: directory)) }
}
