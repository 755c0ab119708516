internal import Content
internal import Glibc

extension RuntimeSetup {
    /// What there is to do so that the files are what they were before ``configuration(_:mirror:)``.
    ///
    /// Reads files, writes nothing.
    package func restoration() throws(SetupError) -> SetupPlan {
        var plan = SetupPlan()
        for path in try configuredPaths() {
            guard let record = try record(of: path) else { continue }
            plan.files.append(try restoration(of: path, record, &plan.notes))
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
            directories += try record(of: file.path)?.directories ?? []
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
        guard let mirror = MirrorAddress(record.mirror) else {
            throw SetupError(
                "\(name)\(SetupRecord.ending) names no mirror: remove it, and \(record.mirror) from \(name)"
            )
        }
        let rest = try without(path, text, original: original, mirror)
        if rest != original { notes.append("\(name) was changed since: only what `configure` had added was taken out") }
        return FileChange(path: path, before: text, after: rest)
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
