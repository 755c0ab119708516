import Content
import ContentProxy
import CurlTransport
import FoundationEssentials
import OriginTransfer
import RegistryProtocol
import RuntimeSetup

/// Pulls an image's manifest and its smallest blob through the mirror, as a runtime would.
struct ImagePull: Sendable {
    private static let largestBlob: Int64 = 64 << 20
    private static let accept = [
        "application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    ]

    private struct Descriptor: Decodable {
        struct Platform: Decodable {
            let architecture: String
            let os: String
        }

        let digest: Digest
        let size: Int64
        let platform: Platform?
    }

    private struct Manifest: Decodable {
        let manifests: [Descriptor]?
        let config: Descriptor?
        let layers: [Descriptor]?
    }

    /// What a step that failed has to say.
    private struct Failure: Error {
        let finding: Finding
    }

    private let image: ImageReference
    private let runtime: RuntimeName
    private let proxy: Probe
    private let authenticator: RegistryAuthenticator
    private let origin: String

    init(_ image: ImageReference, runtime: RuntimeName, through proxy: Probe, authorities doctor: NodeDoctor) {
        self.image = image
        self.runtime = runtime
        self.proxy = proxy
        let registry = doctor.registry(image.host)
        origin = ResourceURL(registry?.url ?? "https://\(image.apiHost)")?.origin ?? "https://\(image.apiHost)"
        let calls = TokenServer(transport: doctor.transport, options: doctor.options(registry))
        authenticator = RegistryAuthenticator(transport: calls)
    }

    func run(_ logins: DockerConfig) async -> [Finding] {
        var findings: [Finding] = []
        do throws(Failure) {
            let credentials = try credentials(logins)
            var (name, bytes) = ("manifest", try await get("manifest", "manifests/\(image.reference)", credentials))
            findings.append(try verified(name, bytes, image.digest, of: "\(image)"))
            var manifest = try decoded(bytes)
            if let list = manifest.manifests {
                let choice = try choice(of: list)
                name = "platform"
                bytes = try await get(name, "manifests/\(choice.digest)", credentials)
                findings.append(try verified(name, bytes, choice.digest, of: "\(choice.digest)"))
                manifest = try decoded(bytes)
            }
            let blobs = (manifest.layers ?? []) + (manifest.config.map { [$0] } ?? [])
            guard let blob = blobs.min(by: { $0.size < $1.size }), blob.size <= Self.largestBlob else {
                return findings + [Finding(.note, "blob", "the image has none that is small enough to try")]
            }
            bytes = try await get("blob", "blobs/\(blob.digest)", credentials)
            findings.append(try verified("blob", bytes, blob.digest, of: "\(blob.digest)"))
        } catch {
            findings.append(error.finding)
        }
        return findings
    }

    /// As the runtime names the registry to a mirror.
    private func path(_ rest: String) -> String {
        switch runtime {
        case .containerd: "/v2/\(image.repository)/\(rest)?ns=\(image.host)"
        case .docker where image.host == ImageReference.dockerHub: "/v2/\(image.repository)/\(rest)"
        case .docker, .crio, .podman: "/v2/\(image.host)/\(image.repository)/\(rest)"
        }
    }

    private func credentials(_ logins: DockerConfig) throws(Failure) -> RegistryCredentials {
        do throws(DockerConfig.Fault) {
            return try logins.credentials(for: image.host, repository: image.repository)
        } catch {
            throw Failure(finding: Finding(.failed, "login", error.message))
        }
    }

    private func get(
        _ step: String,
        _ rest: String,
        _ credentials: RegistryCredentials
    ) async throws(Failure) -> [UInt8] {
        // Where a registry has its blobs elsewhere, a runtime follows there; so does this.
        var response = try await ask(step, rest, authorization: nil)
        if response.head.status == 401, let authorization = try await authorization(step, response, credentials) {
            response = try await ask(step, rest, authorization: authorization)
        }
        guard response.head.status != 200 else { return response.body }
        throw Failure(finding: refusal(step, RegistryAnswer(response), isAnonymous: credentials == .anonymous))
    }

    private func ask(_ step: String, _ rest: String, authorization: String?) async throws(Failure) -> BufferedResponse {
        do throws(TransferError) {
            return try await proxy.get(
                path(rest),
                headers: HeaderFields(step == "blob" ? [] : Self.accept.map { ("Accept", $0) }),
                authorization: authorization,
                limit: Int(Self.largestBlob)
            )
        } catch {
            throw Failure(
                finding: Finding(.failed, step, "broke off: \(error.message)", remedy: "dfdaemon's log has the reason")
            )
        }
    }

    private func authorization(
        _ step: String,
        _ response: BufferedResponse,
        _ credentials: RegistryCredentials
    ) async throws(Failure) -> String? {
        do throws(TokenError) {
            return try await authenticator.authorization(
                answering: response.head.fields.values(of: "WWW-Authenticate"),
                from: origin,
                scopes: [RegistryScope.pull(image.repository)],
                credentials: credentials,
                rejected: nil
            )
        } catch {
            let remedy =
                error.code == .refused
                ? "give --auth-file a docker config.json with a login that may pull it"
                : "see whether the token server can be reached from here"
            throw Failure(finding: Finding(.failed, step, error.message, remedy: remedy))
        }
    }

    private func refusal(_ step: String, _ answer: RegistryAnswer, isAnonymous: Bool) -> Finding {
        let told = answer.message.map { " (\($0))" } ?? ""
        switch answer.status {
        case 401, 403:
            let how =
                isAnonymous ? "give --auth-file a docker config.json with a login for it" : "see what that login may do"
            return Finding(
                .failed,
                step,
                "\(image.host) wants a login\(answer.login.map { ", \($0)" } ?? "")\(told)",
                remedy: "\(how), and the runtime the same login"
            )
        case 404:
            return Finding(
                .failed,
                step,
                "not found\(told)",
                remedy: "see the image's name and tag, and whether \(image.host) is in registry_mirror.registries"
            )
        default:
            return Finding(.failed, step, "dfdaemon answers \(answer.status)\(told)", remedy: "its log has the reason")
        }
    }

    private func verified(
        _ step: String,
        _ bytes: [UInt8],
        _ digest: Digest?,
        of what: String
    ) throws(Failure) -> Finding {
        let found = Digest.of(bytes, digest?.algorithm ?? .sha256)
        guard digest == nil || digest == found else {
            throw Failure(
                finding: Finding(
                    .failed,
                    step,
                    "wrong bytes for \(what): \(found)",
                    remedy: "whoever is between here and the registry changes content"
                )
            )
        }
        return Finding(.ok, step, "\(what), \(bytes.count) bytes\(digest == nil ? "" : ", verified")")
    }

    private func decoded(_ bytes: [UInt8]) throws(Failure) -> Manifest {
        guard let manifest = try? JSONDecoder().decode(Manifest.self, from: Data(bytes)) else {
            throw Failure(
                finding: Finding(.failed, "manifest", "is no image's", remedy: "see the image's name and tag")
            )
        }
        return manifest
    }

    private func choice(of list: [Descriptor]) throws(Failure) -> Descriptor {
        #if arch(arm64)
        let architecture = "arm64"
        #else
        let architecture = "amd64"
        #endif
        let fitting = list.first { $0.platform.map { $0.os == "linux" && $0.architecture == architecture } ?? true }
        guard let choice = fitting else {
            let finding = Finding(
                .failed,
                "platform",
                "the image has no linux/\(architecture)",
                remedy: "take another tag"
            )
            throw Failure(finding: finding)
        }
        return choice
    }
}
