import Content
import ContentProxy
import CurlTransport
import FoundationEssentials
import NodeAssembly
import NodeConfig
import OriginTransfer
import PeerEngine
import RegistryProtocol

extension NodeDoctor {
    /// Asks each configured registry through the mirror, and where that fails, without it.
    func examineRegistries() async -> [Finding] {
        let mirror = configuration.mirror
        let remote = mirror.registries.first { ($0.url ?? "https://\($0.host)") == mirror.remote }
        var findings: [Finding] = []
        if let base = mirror.remote { findings.append(await examine("remote \(base)", "/v2/", base: base, remote)) }
        for registry in mirror.registries {
            let base = registry.url ?? "https://\(registry.host)"
            findings.append(
                await examine("registry \(registry.host)", "/v2/?ns=\(registry.host)", base: base, registry)
            )
        }
        return findings
    }

    private func examine(
        _ subject: String,
        _ path: String,
        base: String,
        _ registry: MirroredRegistry?
    ) async -> Finding {
        if let fault = (registry?.caFiles ?? []).lazy.compactMap({ CertificateFile.fault($0) }).first {
            return Finding(
                .failed,
                subject,
                "its ca_file \(fault)",
                remedy: "put the authority's certificate there, in PEM"
            )
        }
        let answer: RegistryAnswer
        do throws(TransferError) {
            answer = RegistryAnswer(try await proxy.get(path))
        } catch {
            return Finding(
                .failed,
                subject,
                "no answer through dfdaemon: \(error.message)",
                remedy: "see dfdaemon's log"
            )
        }
        if let finding = answer.finding(subject, login: login(registry)) { return finding }
        let told = "dfdaemon answers \(answer.status)" + (answer.message.map { ": \($0)" } ?? "")
        do throws(TransferError) {
            let request = TransferRequest(url: base.trimmingSlash + "/v2/", options: options(registry))
            let direct = RegistryAnswer(try await transport.send(request, limit: 1 << 20))
            guard direct.status < 500 else {
                return Finding(
                    .failed,
                    subject,
                    "is in trouble itself (\(direct.status))",
                    remedy: "wait, or see its operator"
                )
            }
            return Finding(
                .failed,
                subject,
                "\(told), but the registry answers \(direct.status) when it is asked directly",
                remedy: "restart dfdaemon if its configuration or the network was changed since; its log has the reason"
            )
        } catch {
            return RegistryTrouble.finding(subject, error)
        }
    }

    /// Who dfdaemon is at a registry for whoever does not log in; nil: nobody.
    private func login(_ registry: MirroredRegistry?) -> String? {
        guard let registry else { return nil }
        let host = ImageReference.canonicalHost(registry.host)
        switch try? registry.logins.credentials(for: host, repository: nil) {
        case nil, .anonymous: return nil
        case .basic(let user, _): return "user '\(user)'"
        case .identityToken, .registryToken: return "a token"
        }
    }

    /// Asks each supernode how it is.
    func examineSupernodes() async -> [Finding] {
        let node = configuration.node
        guard !node.supernodes.isEmpty else {
            return [Finding(.note, "supernodes", "none is configured: everything comes from the registries")]
        }
        if let fault = node.supernodeCAFile.flatMap({ CertificateFile.fault($0) }) {
            return [
                Finding(
                    .failed,
                    "supernodes",
                    "supernode_ca_file \(fault)",
                    remedy: "put the authority's certificate there"
                )
            ]
        }
        var options = node.links(transport, limits: node.limits.limits()).supernode
        options.totalTimeout = .seconds(10)
        var findings: [Finding] = []
        for supernode in node.supernodes { findings.append(await examine(supernode, options)) }
        return findings
    }

    private func examine(_ supernode: SupernodeAddress, _ options: TransferOptions) async -> Finding {
        let subject = "supernode \(supernode)"
        do throws(TransferError) {
            let request = TransferRequest(url: "\(supernode.url)/healthz", options: options)
            let answer = try await transport.send(request, limit: 64 << 10)
            guard answer.head.status == 200 else {
                return Finding(
                    .failed,
                    subject,
                    "answers \(answer.head.status)",
                    remedy: "see whether that is a supernode's API (port 8002), and its log"
                )
            }
            return Finding(.ok, subject, "is reachable")
        } catch {
            return Finding(
                .failed,
                subject,
                supernode.explanation(of: error),
                remedy: "start it, or see address, firewall and DNS; until then blobs come from elsewhere"
            )
        }
    }
}

extension String {
    fileprivate var trimmingSlash: String { last == "/" ? String(dropLast()) : self }
}
