internal import Content
internal import Glibc

extension RuntimeSetup {
    /// What there is to do so that the runtime pulls images of `registries` through `mirror`.
    ///
    /// None are named: all registries for containerd, Docker Hub for the others. Reads files, writes nothing.
    package func configuration(
        _ registries: [RegistryName],
        mirror: MirrorAddress
    ) throws(SetupError) -> SetupPlan {
        var plan =
            switch runtime {
            case .containerd: try containerd(registries, mirror)
            case .docker: try docker(registries, mirror)
            case .crio, .podman: try registriesFile(registries, mirror)
            }
        for file in plan.files where file.before != nil { try refuseOtherMirror(file.path, mirror) }
        // Who is new to a file that is there already has not read it yet.
        if plan.changes.isEmpty, try !isNewUser(plan) { plan.next = [] }
        return plan
    }

    private func refuseOtherMirror(_ path: String, _ mirror: MirrorAddress) throws(SetupError) {
        guard let record = try record(of: path), record.mirror != mirror.url else { return }
        let commands = restorers(record).map { "`dfdaemon runtime restore \($0)`" }.joined(separator: " and ")
        throw SetupError("\(files.root)\(path) was configured for \(record.mirror): run \(commands) first")
    }

    /// Does it: each file by itself is there as a whole or not at all, and can be restored from the first byte on.
    package func apply(_ plan: SetupPlan, mirror: MirrorAddress) throws(SetupError) {
        let isNew = try isNewUser(plan)
        for file in plan.files where file.changes || isNew { try write(file, mirror, plan.users) }
    }

    /// Whether a file is there already that another runtime was given.
    private func isNewUser(_ plan: SetupPlan) throws(SetupError) -> Bool {
        guard let users = plan.users, let record = try record(of: RegistriesFile.fragmentPath) else { return false }
        return record.users != users
    }

    func containerd(_ registries: [RegistryName], _ mirror: MirrorAddress) throws(SetupError) -> SetupPlan {
        let text = try files.read(Self.containerdPath)
        let edit = try edit(Self.containerdPath) { () throws(EditFault) in try ContainerdConfig.configured(text) }
        guard edit.directory.hasPrefix("/"), !edit.directory.split(separator: "/").contains("..") else {
            throw SetupError("\(files.root)\(Self.containerdPath): config_path '\(edit.directory)' is no absolute path")
        }
        var plan = SetupPlan()
        plan.notes = edit.notes
        for registry in registries.isEmpty ? [nil] : registries.map(Optional.some) {
            let path = "\(edit.directory)/\(try directoryName(registry, in: edit.directory))/hosts.toml"
            let before = try files.read(path)
            let after = try self.edit(path) { () throws(EditFault) in
                try HostsFile.configured(before, registry: registry, mirror: mirror)
            }
            plan.files.append(FileChange(path: path, before: before, after: after))
        }
        // The last: containerd must not look for files that are not there yet.
        let config = FileChange(path: Self.containerdPath, before: text, after: edit.text)
        plan.files.append(config)
        plan.next =
            config.changes
            ? ["systemctl restart containerd   (running containers go on; hosts.toml alone needs no restart)"]
            : ["nothing: containerd reads hosts.toml at every pull"]
        return plan
    }

    /// containerd looks for `host_port_` before `host:port`.
    private func directoryName(_ registry: RegistryName?, in directory: String) throws(SetupError) -> String {
        guard let registry else { return "_default" }
        guard let colon = registry.text.lastIndex(of: ":") else { return registry.text }
        let other = "\(registry.text[..<colon])_\(registry.text[registry.text.index(after: colon)...])_"
        return try files.names(in: directory).contains(other) ? other : registry.text
    }

    private func docker(_ registries: [RegistryName], _ mirror: MirrorAddress) throws(SetupError) -> SetupPlan {
        let before = try files.read(Self.dockerPath)
        let after = try edit(Self.dockerPath) { () throws(EditFault) in
            try DaemonJSON.configured(before, mirror: mirror)
        }
        var plan = SetupPlan()
        plan.files = [FileChange(path: Self.dockerPath, before: before, after: after)]
        plan.notes = registries.filter { $0 != .dockerHub }.map {
            "dockerd has mirrors for Docker Hub only: pull images of \($0) as \(mirror.authority)/\($0)/IMAGE"
        }
        plan.next = ["systemctl reload docker   (or SIGHUP to dockerd: registry-mirrors needs no restart)"]
        return plan
    }

    private func registriesFile(_ registries: [RegistryName], _ mirror: MirrorAddress) throws(SetupError) -> SetupPlan {
        let path = RegistriesFile.fragmentPath
        let registries = registries.isEmpty ? [.dockerHub] : registries
        let before = try files.read(path)
        // Its entries would be taken for somebody else's.
        if before != nil { try refuseOtherMirror(path, mirror) }
        let edit = try RegistriesFile.configured(
            before,
            registries: registries,
            mirror: mirror,
            others: try otherRegistriesFiles()
        )
        var plan = SetupPlan()
        plan.files = [FileChange(path: path, before: before, after: edit.text)]
        plan.notes = edit.notes
        // A file that is not there any more is nobody's.
        var users = try before == nil ? nil : record(of: path)?.users
        users = users ?? FileUsers()
        users?.add(registries, for: runtime)
        plan.users = users
        plan.next =
            runtime == .crio
            ? ["systemctl reload crio   (or SIGHUP to crio: registries.conf needs no restart)"]
            : ["nothing: podman reads the file at every pull (restart `podman system service` where it runs)"]
        return plan
    }

    func otherRegistriesFiles() throws(SetupError) -> [RegistriesFile.Other] {
        let fragments = try files.names(in: Self.registriesDirectory).filter { $0.hasSuffix(".conf") }
            .map { "\(Self.registriesDirectory)/\($0)" }
            .filter { $0 != RegistriesFile.fragmentPath }
        var others: [RegistriesFile.Other] = []
        for path in [Self.registriesPath] + fragments {
            if let text = try files.read(path) { others.append(.init(path: path, text: text)) }
        }
        return others
    }

    /// Backup, record, file: in this order, so that whatever is changed can be undone.
    private func write(_ file: FileChange, _ mirror: MirrorAddress, _ users: FileUsers?) throws(SetupError) {
        guard let after = file.after else { return }
        let old = try record(of: file.path)
        // A second run must not take our own text for the original. A file that has nothing of ours is one, though:
        // somebody has put it there after us.
        let isOurs = old == nil ? false : try hasOurs(file, mirror)
        let made = try makeDirectories(for: file.path)
        let place = try files.place(file.path)
        if !isOurs, let before = file.before {
            try AtomicWrite(place + SetupRecord.backupEnding).write(before, like: place)
        }
        // Somebody else's text is among ours by now: the original may not take its place, whatever we add.
        let mixed = isOurs ? old.flatMap { $0.written == file.before.map { Digest.of($0) } ? nil : $0.written } : nil
        let record = SetupRecord(
            mirror: mirror.url,
            created: isOurs ? old?.created ?? false : file.before == nil,
            written: mixed ?? Digest.of(after),
            directories: (old?.directories ?? []) + made,
            users: users
        )
        try AtomicWrite(place + SetupRecord.ending).write(record.text)
        if file.changes { try AtomicWrite(place).write(after) }
    }

    /// Whether there is something in the file that restoring would take out.
    private func hasOurs(_ file: FileChange, _ mirror: MirrorAddress) throws(SetupError) -> Bool {
        guard let before = file.before else { return false }
        if file.path == RegistriesFile.fragmentPath { return true }
        let original = try files.read(file.path, ending: SetupRecord.backupEnding)
        return try without(file.path, before, original: original, mirror) != before
    }

    /// The directories that had to be made, the outer ones first.
    private func makeDirectories(for path: String) throws(SetupError) -> [String] {
        var made: [String] = []
        var directory = ""
        for part in path.split(separator: "/").dropLast() {
            directory += "/\(part)"
            let place = try files.place(directory)
            if mkdir(place, 0o755) == 0 {
                // Whatever the umask says, runtimes read here.
                chmod(place, 0o755)
                made.append(directory)
            } else if errno != EEXIST {
                throw HostFiles.failure("can not be made", place)
            }
        }
        return made
    }
}
