import ContentProxy
import NodeAssembly
import RuntimeSetup

extension NodeDoctor {
    /// Whether the runtimes of this machine pull through this daemon.
    func examineRuntimes() -> [Finding] {
        guard let mirror = MirrorAddress(proxy.base) else { return [] }
        if let runtime = order.runtime { return [examine(runtime, mirror, isWanted: true)].compactMap(\.self) }
        let findings = RuntimeName.allCases.compactMap { examine($0, mirror, isWanted: false) }
        if !findings.isEmpty { return findings }
        return [
            Finding(
                .note,
                "runtimes",
                "no container runtime pulls through this dfdaemon",
                remedy: "dfdaemon runtime configure containerd, docker, crio or podman"
            )
        ]
    }

    private func examine(_ runtime: RuntimeName, _ mirror: MirrorAddress, isWanted: Bool) -> Finding? {
        let (name, command) = (runtime.rawValue, "dfdaemon runtime configure \(runtime.rawValue)")
        let state: RuntimeState
        do throws(SetupError) {
            state = try RuntimeSetup(runtime, root: order.root).state(mirror)
        } catch {
            return Finding(.failed, name, error.description)
        }
        // CRI-O and podman share their file.
        guard isWanted || state.isPresent else { return nil }
        if let other = state.otherMirror {
            return Finding(
                .failed,
                name,
                "pulls through \(other), but dfdaemon listens at \(mirror)",
                remedy: (state.otherUsers.map { "dfdaemon runtime restore \($0)" } + ["\(command) --mirror \(mirror)"])
                    .joined(separator: ", then ")
            )
        }
        guard !state.registries.isEmpty else {
            guard isWanted else { return nil }
            return Finding(.failed, name, "does not pull through \(mirror)", remedy: "\(command) --mirror \(mirror)")
        }
        if let fault = state.fault { return Finding(.failed, name, fault, remedy: "\(command) says what is missing") }
        let remote = configuration.mirror.remote ?? "none"
        if runtime == .docker, !isDockerHub(remote) {
            return Finding(
                .failed,
                name,
                "asks this mirror for images of Docker Hub, but registry_mirror.remote is \(remote)",
                remedy: "make https://registry-1.docker.io the remote, and list the other one among registries"
            )
        }
        let names = state.registries.map { $0?.text ?? "all registries" }.joined(separator: ", ")
        return Finding(.ok, name, "pulls \(names) through \(mirror)")
    }

    private func isDockerHub(_ remote: String) -> Bool { remote.contains("docker.io") }
}
