/// How a runtime stands to a dfdaemon.
package struct RuntimeState: Sendable, Hashable {
    /// Whether the runtime seems to be on this machine: it has a directory for its configuration.
    package var isPresent = false
    /// What it pulls through the mirror; `nil` among them are all registries.
    package var registries: [RegistryName?] = []
    /// Another mirror that `configure` had written.
    package var otherMirror: String?
    /// For which runtimes it had: each has to be restored.
    package var otherUsers: [String] = []
    /// Why the configuration does not have the effect that it should have.
    package var fault: String?
}

extension RuntimeSetup {
    /// How the runtime's configuration stands to a mirror.
    package func state(_ mirror: MirrorAddress) throws(SetupError) -> RuntimeState {
        var state = RuntimeState()
        switch runtime {
        case .containerd:
            state.isPresent = try isThere("/etc/containerd")
            for directory in try hostsDirectories() {
                for name in try files.names(in: directory) {
                    let path = "\(directory)/\(name)/hosts.toml"
                    try note(path, &state, mirror)
                    guard let text = try files.read(path), HostsFile.names(mirror, text) else { continue }
                    if name == "_default" {
                        state.registries.append(nil)
                    } else if let registry = registry(ofDirectory: name) {
                        state.registries.append(registry)
                    }
                }
            }
        case .docker:
            state.isPresent = try isThere("/etc/docker")
            try note(Self.dockerPath, &state, mirror)
            if let text = try files.read(Self.dockerPath), DaemonJSON.names(mirror, text) {
                state.registries = [.dockerHub]
            }
        case .crio, .podman:
            state.isPresent = try isThere(runtime == .crio ? "/etc/crio" : "/etc/containers")
            try note(RegistriesFile.fragmentPath, &state, mirror)
            var texts = try otherRegistriesFiles().map(\.text)
            if let own = try files.read(RegistriesFile.fragmentPath) { texts.append(own) }
            state.registries = texts.flatMap { RegistriesFile.registries(through: mirror, $0) }
        }
        if !state.registries.isEmpty { try findFault(&state, mirror) }
        return state
    }

    /// What `configure` would still have to do is what is wrong.
    private func findFault(_ state: inout RuntimeState, _ mirror: MirrorAddress) throws(SetupError) {
        let named = state.registries.compactMap { $0 }
        do throws(SetupError) {
            let plan = try configuration(
                state.registries.contains(nil) && runtime == .containerd ? [] : named,
                mirror: mirror
            )
            if let change = plan.changes.first { state.fault = "\(files.root)\(change.path) is not as it should be" }
        } catch {
            state.fault = error.description
        }
    }

    private func note(_ path: String, _ state: inout RuntimeState, _ mirror: MirrorAddress) throws(SetupError) {
        guard let record = try record(of: path), record.mirror != mirror.url else { return }
        state.otherMirror = record.mirror
        state.otherUsers = restorers(record)
    }

    private func isThere(_ path: String) throws(SetupError) -> Bool { try !files.names(in: path).isEmpty }

    private func registry(ofDirectory name: String) -> RegistryName? {
        guard name.hasSuffix("_"), let separator = name.dropLast().lastIndex(of: "_") else { return RegistryName(name) }
        return RegistryName("\(name[..<separator]):\(name[name.index(after: separator)...].dropLast())")
    }
}
