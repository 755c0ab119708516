import Content
package import CurlTransport
import FoundationEssentials
package import Logging
import Metrics
import PeerEngine
import ServiceLifecycle
import Synchronization

/// Whether the network can serve now: looked at again and again, so that nobody who asks has to wait.
package final class NetworkGate: Service {
    private struct State {
        /// Why it is closed; nil: it is open.
        var reason: String?
        /// What the opinion is about; nil: nothing has been looked at.
        var seen: GateConfiguration?
    }

    private let configuration: @Sendable () -> GateConfiguration
    private let probe: NetworkProbe
    private let logger: Logger
    private let state = Mutex(State())

    /// `configuration`: as it stands now.
    package init(_ configuration: @escaping @Sendable () -> GateConfiguration, probe: NetworkProbe, logger: Logger) {
        self.configuration = configuration
        self.probe = probe
        self.logger = logger
    }

    /// Why nothing is to be rewritten now, for a person; nil: the network can serve.
    package var reason: String? {
        let wanted = configuration()
        guard wanted.looks else { return nil }
        return state.withLock { state in
            guard let seen = state.seen, seen.supernodes == wanted.supernodes, seen.daemonSet == wanted.daemonSet else {
                return "it has not been looked at yet"
            }
            return state.reason
        }
    }

    /// Whether it has an opinion.
    package var hasLooked: Bool { state.withLock { $0.seen != nil } }

    /// Looks until a graceful shutdown.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.look()
                try? await Task.sleep(for: self.configuration().interval)
            }
        }
    }

    /// Looks once.
    func look() async {
        let wanted = configuration()
        let reason = wanted.looks ? await probe.reason(wanted) : nil
        guard !Task.isCancelled else { return }
        let before = state.withLock { state in
            defer { state = State(reason: reason, seen: wanted) }
            return state
        }
        Gauge(label: "darter_webhook_gate_open").record(reason == nil ? 1 : 0)
        guard before.seen == nil || before.reason != reason else { return }
        if let reason {
            logger.warning("images stay as they are", metadata: ["reason": "\(reason)"])
        } else {
            logger.notice("images are rewritten")
        }
    }
}

/// How the network is looked at.
package struct NetworkProbe: Sendable {
    private let transport: CurlTransport
    private let client: KubernetesClient?

    /// `client`: for DaemonSets.
    package init(transport: CurlTransport, client: KubernetesClient?) {
        self.transport = transport
        self.client = client
    }

    /// Why the network can not serve; nil: it can.
    func reason(_ wanted: GateConfiguration) async -> String? {
        async let supernodes = supernodeReason(wanted)
        async let daemons = daemonReason(wanted)
        let (ofSupernodes, ofDaemons) = await (supernodes, daemons)
        return ofSupernodes ?? ofDaemons
    }

    private func supernodeReason(_ wanted: GateConfiguration) async -> String? {
        guard !wanted.supernodes.isEmpty else { return nil }
        let isAnyReady = await withTaskGroup(of: Bool.self) { group in
            for supernode in wanted.supernodes {
                group.addTask { await self.isReady(supernode.url, wanted) }
            }
            defer { group.cancelAll() }
            return await group.contains(true)
        }
        return isAnyReady ? nil : "no supernode is ready"
    }

    private func isReady(_ url: String, _ wanted: GateConfiguration) async -> Bool {
        var request = TransferRequest(url: "\(url)/readyz")
        request.options.addresses = .any
        request.options.proxy = .none
        request.options.followRedirects = false
        request.options.connectTimeout = .seconds(3)
        request.options.totalTimeout = .seconds(5)
        request.options.tls.caFile = wanted.supernodeCAFile
        do throws(TransferError) {
            return try await transport.send(request, limit: 1 << 20).head.status == 200
        } catch {
            return false
        }
    }

    private func daemonReason(_ wanted: GateConfiguration) async -> String? {
        let name = wanted.daemonSet
        guard !name.isEmpty else { return nil }
        guard let client else { return "the DaemonSet \(name) can not be looked at: this is no pod" }
        do throws(KubernetesError) {
            let set = try await client.get("/apis/apps/v1/namespaces/\(client.namespace)/daemonsets/\(name)")
            let ready = set["status"]?["numberReady"]?.int ?? 0
            let wantedPods = set["status"]?["desiredNumberScheduled"]?.int ?? 0
            guard wanted.ready.isReached(by: ready, of: wantedPods) else {
                return
                    "of the DaemonSet \(name) \(ready) of \(wantedPods) pods are ready, and \(wanted.ready.configText) have to be"
            }
            return nil
        } catch {
            return "the DaemonSet \(name) can not be looked at: \(error)"
        }
    }
}
