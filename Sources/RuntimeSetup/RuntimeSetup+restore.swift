internal import Content
internal import Glibc

extension RuntimeSetup {
    /// What there is to do so that the files are what they were before ``configuration(_:mirror:)``.
    ///
    /// Reads files, writes nothing.
    package func restoration() throws(SetupError) -> SetupPlan { try restoration { _, _ in true } }

    /// What there is to do so that of an earlier ``configuration(_:mirror:)`` only what this one has, too, is left.
    ///
    /// The files of registries that are not named any more, and those that were written for another mirror, become what they were.
    /// Reads files, writes nothing.
    package func restoration(
        before registries: [RegistryName],
        mirror: MirrorAddress
    ) throws(SetupError) -> SetupPlan {
        var wanted: [String] = []
        switch runtime {
        case .containerd: wanted = try containerd(registries, mirror).files.map(\.path)
        case .docker: wanted = [Self.dockerPath]
        // All registries are in one file, which is written anew.
        case .crio, .podman: break
        }
        return try restoration { path, record in !wanted.contains(path) || record.mirror != mirror.url }
    }

    private func restoration(of isMeant: (String, SetupRecord) -> Bool) throws(SetupError) -> SetupPlan {
        var plan = SetupPlan()
        for path in try configuredPaths() {
            guard let record = try record(of: path), isMeant(path, record) else { continue }
            if let users = record.users, let text = try files.read(path) {
                try share(path, text, record, users, &plan)
            } else {
                plan.files.append(try restoration(of: path, record, &plan.notes))
            }
        }
        let changed = Set(plan.changes.map(\.path))
        switch runtime {
        case _ where changed.isEmpty: break
        case .containerd where changed.contains(Self.containerdPath):
            plan.next = ["systemctl restart containerd   (running containers go on)"]
        case .containerd, .podman: plan.next = ["nothing: the next pull reads the files"]
        case .docker: plan.next = ["systemctl reload docker"]
        case .crio: plan.next = ["systemctl reload crio"]
        }
        return plan
    }

    /// Does it, and removes backups, records, and the directories that were made and are empty now.
    package func apply(restoration plan: SetupPlan) throws(SetupError) {
        var directories: [String] = []
        for file in plan.files.reversed() {
            let place = try files.place(file.path)
            let backup = place + SetupRecord.backupEnding
            let record = try record(of: file.path)
            if let users = plan.users, !users.isEmpty, var record {
                // The file first: one that is what is left for the others is known as such.
                if let after = file.after {
                    if file.changes { try AtomicWrite(place).write(after) }
                    record.written = Digest.of(after)
                }
                record.users = users
                try AtomicWrite(place + SetupRecord.ending).write(record.text)
                continue
            }
            directories += record?.directories ?? []
            if file.changes {
                if let after = file.after {
                    try AtomicWrite(place).write(after, like: backup)
                } else {
                    try AtomicWrite.remove(place)
                }
            }
            // Without its record a backup means nothing any more; the other way round it would be missed.
            try AtomicWrite.remove(place + SetupRecord.ending)
            try AtomicWrite.remove(backup)
        }
        for directory in directories.sorted(by: { $0.utf8.count > $1.utf8.count }) { rmdir(try files.place(directory)) }
    }

    private func configuredPaths() throws(SetupError) -> [String] {
        switch runtime {
        case .docker: return [Self.dockerPath]
        case .crio, .podman: return [RegistriesFile.fragmentPath]
        case .containerd:
            var paths: [String] = []
            for directory in try hostsDirectories() {
                for name in try files.names(in: directory) { paths.append("\(directory)/\(name)/hosts.toml") }
            }
            return paths + [Self.containerdPath]
        }
    }

    /// What is to be done to a file of several runtimes: the others keep what they want.
    private func share(
        _ path: String,
        _ text: String,
        _ record: SetupRecord,
        _ users: FileUsers,
        _ plan: inout SetupPlan
    ) throws(SetupError) {
        var others = users
        others.remove(runtime)
        guard !others.isEmpty else { return plan.files.append(try restoration(of: path, record, &plan.notes)) }
        let rest = try rest(path, text, record, for: others)
        // Where somebody has changed it since, this throws.
        if rest != text { _ = try restoration(of: path, record, &plan.notes) }
        plan.files.append(FileChange(path: path, before: text, after: rest))
        plan.users = others
        let commands = others.names.map { "`dfdaemon runtime restore \($0)`" }.joined(separator: " and ")
        plan.notes.append(
            "\(files.root)\(path) stays for \(others.names.joined(separator: ", ")): \(commands) takes it away"
        )
    }

    /// A file with what `users` want alone.
    private func rest(
        _ path: String,
        _ text: String,
        _ record: SetupRecord,
        for users: FileUsers
    ) throws(SetupError) -> String {
        let mirror = try mirror(path, record)
        let original = record.created ? nil : try files.read(path, ending: SetupRecord.backupEnding)
        return try edit(path) { () throws(EditFault) in
            try RegistriesFile.kept(users.all, of: text, original: original, mirror: mirror)
        }
    }

    private func restoration(
        of path: String,
        _ record: SetupRecord,
        _ notes: inout [String]
    ) throws(SetupError) -> FileChange {
        let text = try files.read(path)
        let original = record.created ? nil : try files.read(path, ending: SetupRecord.backupEnding)
        let name = files.root + path
        guard record.created || original != nil else {
            throw SetupError(
                "\(name)\(SetupRecord.backupEnding) is missing: take \(record.mirror) out of \(name) by hand, and remove "
                    + "\(name)\(SetupRecord.ending)"
            )
        }
        guard let text else {
            guard record.created else {
                throw SetupError(
                    "\(name) was removed since; its original is \(name)\(SetupRecord.backupEnding): move it back, or remove "
                        + "it together with \(name)\(SetupRecord.ending)"
                )
            }
            return FileChange(path: path, before: nil, after: nil)
        }
        if Digest.of(text) == record.written { return FileChange(path: path, before: text, after: original) }
        let rest = try without(path, text, original: original, mirror(path, record))
        if rest != original { notes.append("\(name) was changed since: only what `configure` had added was taken out") }
        return FileChange(path: path, before: text, after: rest)
    }

    private func mirror(_ path: String, _ record: SetupRecord) throws(SetupError) -> MirrorAddress {
        if let mirror = MirrorAddress(record.mirror) { return mirror }
        let name = files.root + path
        throw SetupError(
            "\(name)\(SetupRecord.ending) names no mirror: remove it, and \(record.mirror) from \(name)"
        )
    }

    /// A text that was changed since we wrote it, without what is ours.
    func without(
        _ path: String,
        _ text: String,
        original: String?,
        _ mirror: MirrorAddress
    ) throws(SetupError) -> String {
        try edit(path) { () throws(EditFault) in
            switch path {
            case Self.containerdPath: return try ContainerdConfig.restored(text, original: original)
            case Self.dockerPath: return try DaemonJSON.restored(text, original: original, mirror: mirror)
            case RegistriesFile.fragmentPath:
                throw EditFault(
                    "was changed since it was written: move what is yours to another file of the directory, and remove it "
                        + "together with \(path)\(SetupRecord.ending)"
                )
            default: return try HostsFile.restored(text, mirror: mirror)
            }
        }
    }
}
