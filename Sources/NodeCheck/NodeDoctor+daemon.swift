import CurlTransport
import FoundationEssentials

extension NodeDoctor {
    private struct Version: Decodable {
        let name: String
        let version: String
    }

    private struct Readiness: Decodable {
        struct Check: Decodable {
            let name: String
            let ready: Bool
            let reason: String?
        }

        let checks: [Check]
    }

    /// An error of dfdaemon's own API: a registry's has another form.
    private struct Refusal: Decodable {
        struct Reason: Decodable {
            let code: String
        }

        let error: Reason
        var isOfClient: Bool { error.code == "client_not_allowed" }
    }

    /// Whether the mirror can be asked, and what was found.
    func examineDaemon() async -> (Bool, [Finding]) {
        let (isOurs, mirror) = await examineProxy()
        return (isOurs, [mirror, await examineHealth()])
    }

    private func examineProxy() async -> (Bool, Finding) {
        let place = "\(proxy.address)"
        guard proxy.port != 0 else {
            return (
                false, Finding(.failed, "proxy", "\(place) is any port", remedy: "give proxy.address a port of its own")
            )
        }
        if let owner = stranger(at: proxy) {
            return (
                false,
                Finding(
                    .failed,
                    "proxy",
                    "\(place) belongs to \(owner.name) (process \(owner.pid)), not to dfdaemon",
                    remedy: "end that, or give proxy.address another port and run `dfdaemon runtime configure --mirror`"
                )
            )
        }
        do throws(TransferError) {
            let answer = try await proxy.get("/v2/")
            if let refusal = Self.refusal(answer, at: place) { return (false, refusal) }
            return (true, Finding(.ok, "proxy", "dfdaemon answers at \(place)"))
        } catch {
            return (
                false,
                Finding(
                    .failed,
                    "proxy",
                    "nobody answers at \(place) (\(error.message))",
                    remedy: "start dfdaemon with this configuration; its log says why it does not stay up"
                )
            )
        }
    }

    /// What it means that dfdaemon itself lets nobody in here; nil where an answer is not of that kind.
    private static func refusal(_ answer: BufferedResponse, at place: String) -> Finding? {
        switch answer.head.status {
        case 407:
            Finding(
                .failed,
                "proxy",
                "dfdaemon wants a user and password of everybody at \(place), and runtimes show none to a mirror",
                remedy: "say who may use it in proxy_access.networks, and take proxy_access.users_file away"
            )
        case 403 where (try? JSONDecoder().decode(Refusal.self, from: Data(answer.body)))?.isOfClient == true:
            Finding(
                .failed,
                "proxy",
                "dfdaemon does not let this machine in at \(place)",
                remedy: "add the address of whoever pulls (127.0.0.0/8 on the same machine) to proxy_access.networks"
            )
        default: nil
        }
    }

    private func examineHealth() async -> Finding {
        let place = "\(health.address)"
        guard health.port != 0 else {
            return Finding(.note, "health", "\(place) is any port", remedy: "give health.address a port of its own")
        }
        do throws(TransferError) {
            let version = try await health.get("/version")
            let ready = try await health.get("/readyz")
            guard let version = try? JSONDecoder().decode(Version.self, from: Data(version.body)),
                version.name == "dfdaemon"
            else {
                return Finding(
                    .failed,
                    "health",
                    "somebody else than dfdaemon answers at \(place)",
                    remedy: "give health.address another port"
                )
            }
            guard ready.head.status != 200 else {
                return Finding(.ok, "health", "dfdaemon \(version.version) is ready")
            }
            let checks = (try? JSONDecoder().decode(Readiness.self, from: Data(ready.body)))?.checks ?? []
            let reasons = checks.filter { !$0.ready }.map { "\($0.name): \($0.reason ?? "not ready")" }
            return Finding(
                .failed,
                "health",
                "dfdaemon \(version.version) is not ready (\(reasons.joined(separator: "; ")))",
                remedy: "wait, or see its log"
            )
        } catch {
            return Finding(
                .failed,
                "health",
                "nobody answers at \(place) (\(error.message))",
                remedy: "start dfdaemon with this configuration"
            )
        }
    }

    private func stranger(at probe: Probe) -> PortOwner? {
        guard let port = probe.port, let owner = PortOwner.of(port: port), owner.name != "dfdaemon" else { return nil }
        return owner
    }
}
