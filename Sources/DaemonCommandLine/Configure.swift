import ArgumentParser
import RuntimeSetup

/// `dfdaemon runtime configure`.
struct Configure: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a runtime pull through dfdaemon.",
        discussion: """
            containerd: hosts.toml in certs.d, and config_path in /etc/containerd/config.toml where it is not set. docker: \
            registry-mirrors in /etc/docker/daemon.json. crio, podman: /etc/containers/registries.conf.d/darter.conf.

            What is in these files stays; the original of a changed file is beside it as FILE.darter-backup. A second run \
            changes nothing. dfdaemon must know the registries: see registry_mirror in dfdaemon.yml.

            Exit codes: 0 done, or nothing to do; 1 nothing was done, or not all of it; 64 wrong usage.
            """
    )

    @OptionGroup var options: SetupOptions

    @Option(
        help: ArgumentHelp(
            """
            A registry whose images come through dfdaemon; may be repeated. Without: all registries for containerd \
            (certs.d/_default), docker.io for the others.
            """,
            valueName: "host"
        )
    )
    var registry: [String] = []

    @Option(help: ArgumentHelp("Where dfdaemon listens for runtimes.", valueName: "url"))
    var mirror = MirrorAddress.usual.url

    @Flag(help: "Take back first what was configured for registries that are not named now, or for another mirror.")
    var replace = false

    func validate() throws {
        if replace, options.dryRun { throw ValidationError("--dry-run can not say what --replace would do") }
        if MirrorAddress(mirror) == nil {
            throw ValidationError("--mirror: '\(mirror)' is no base URL such as http://127.0.0.1:65001")
        }
        for name in registry where RegistryName(name) == nil {
            throw ValidationError("--registry: '\(name)' is no registry such as quay.io or registry.example.com:5000")
        }
    }

    func run() throws {
        guard let mirror = MirrorAddress(mirror) else { return }
        let registries = registry.compactMap { RegistryName($0) }.unique
        try options.run { (setup) throws(SetupError) in
            try setup.alone { () throws(SetupError) in
                if replace {
                    var stale = try setup.restoration(before: registries, mirror: mirror)
                    stale.next = []
                    if !stale.files.isEmpty {
                        try options.show(stale) { () throws(SetupError) in try setup.apply(restoration: stale) }
                    }
                }
                let plan = try setup.configuration(registries, mirror: mirror)
                try options.show(plan) { () throws(SetupError) in try setup.apply(plan, mirror: mirror) }
            }
        }
    }
}

extension [RegistryName] {
    /// Each once, in order.
    fileprivate var unique: [RegistryName] {
        var seen: Set<RegistryName> = []
        return filter { seen.insert($0).inserted }
    }
}
