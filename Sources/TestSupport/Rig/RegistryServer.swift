package import Content
internal import Foundation

/// How a registry wants its clients to authenticate.
package enum RegistryMode: String, Sendable, CaseIterable {
    /// Not at all.
    case none
    /// User and password with each request.
    case basic
    /// A token from a token server.
    case token
}

/// Debian's docker-registry, empty at the start.
package struct RegistryServer: Sendable {
    /// What it wants from clients.
    package let mode: RegistryMode
    /// The server's process; its log has a line for each request.
    package let process: RunningProcess
    /// The token server's, in mode `token`: a line for each request (method, scopes, status, user).
    package let tokenServer: RunningProcess?
    /// `127.0.0.1:PORT`.
    package let authority: String
    /// The CA that signed its certificate, if it speaks TLS.
    package let certificateAuthority: String?

    /// Its root, without a slash at the end.
    package var url: String { "\(certificateAuthority == nil ? "http" : "https")://\(authority)" }

    /// `user:password`, where it wants one.
    package var credentials: String? { mode == .none ? nil : "u:p" }

    /// A name in this registry as skopeo writes it.
    package func reference(_ name: String) -> String { "docker://\(authority)/\(name)" }

    /// Pushes an image under a name like `library/a:v1`.
    package func push(_ image: TestImage, as name: String) async throws {
        try await skopeoCopy(from: image.reference, to: reference(name), destinationCredentials: credentials)
    }

    /// How many bytes of each of an image's blobs it has sent so far, by its access log.
    ///
    /// A blob that nobody has got is an error: the log says so of each when its last byte has been sent.
    package func blobBytes(of image: TestImage) async throws -> [Digest: Int64] {
        var sent: [Digest: Int64] = [:]
        for blob in image.blobs {
            _ = try await process.line { RegistryRequest($0)?.isGet(of: blob) == true ? true : nil }
            sent[blob] = process.output.split(separator: "\n").compactMap { RegistryRequest(String($0)) }
                .filter { $0.isGet(of: blob) }.reduce(0) { $0 + $1.bytes }
        }
        return sent
    }
}

/// Runs docker-registry for the time of `body`.
package func withRegistry<Result>(
    _ mode: RegistryMode = .none,
    tls: Bool = false,
    anonymousPull: Bool = false,
    _ body: (RegistryServer) async throws -> Result
) async throws -> Result {
    try await withTemporaryDirectory { directory in
        guard mode == .token else {
            return try await withRegistry(mode, in: directory, tls: tls, tokenServer: nil, realm: nil, body)
        }
        let options = ["--dir", directory] + (anonymousPull ? ["--anonymous-pull"] : [])
        return try await withProcess(RigScripts.command("token-server.py", options)) { tokenServer in
            let prefix = "token server ready "
            let ready = try await tokenServer.line(containing: prefix)
            let realm = String(ready.dropFirst(prefix.count))
            return try await withRegistry(mode, in: directory, tls: tls, tokenServer: tokenServer, realm: realm, body)
        }
    }
}

private func withRegistry<Result>(
    _ mode: RegistryMode,
    in directory: String,
    tls: Bool,
    tokenServer: RunningProcess?,
    realm: String?,
    _ body: (RegistryServer) async throws -> Result
) async throws -> Result {
    var arguments = [mode.rawValue, directory, "--foreground"]
    if tls { arguments.append("--tls") }
    if let realm { arguments += ["--realm", realm] }
    return try await withProcess(RigScripts.command("start-registry.sh", arguments)) { process in
        let authority = try await process.line { line -> String? in
            guard let text = line.range(of: "listening on ") else { return nil }
            return String(line[text.upperBound...].prefix { $0.isNumber || $0 == "." || $0 == ":" })
        }
        return try await body(
            RegistryServer(
                mode: mode,
                process: process,
                tokenServer: tokenServer,
                authority: authority,
                certificateAuthority: tls ? "\(directory)/tls/ca.crt" : nil
            )
        )
    }
}

/// Copies an image with skopeo between two places that it can name (`docker://`, `oci:`, `dir:`).
///
/// Certificates are not verified, so that http works too. Credentials are `user:password`.
package func skopeoCopy(
    from source: String,
    to destination: String,
    sourceCredentials: String? = nil,
    destinationCredentials: String? = nil
) async throws {
    var arguments = ["--insecure-policy", "copy", "--quiet"]
    if source.hasPrefix("docker:") { arguments.append("--src-tls-verify=false") }
    if destination.hasPrefix("docker:") { arguments.append("--dest-tls-verify=false") }
    if let sourceCredentials { arguments += ["--src-creds", sourceCredentials] }
    if let destinationCredentials { arguments += ["--dest-creds", destinationCredentials] }
    try await runSuccessfully(.init("skopeo", arguments + [source, destination]))
}
