/// containerd's `config.toml`: that its CRI plugin looks for `hosts.toml` files.
enum ContainerdConfig {
    /// Where those files are unless the configuration says otherwise.
    static let usualDirectory = "/etc/containerd/certs.d"

    struct Edit: Sendable, Hashable {
        var text: String
        /// Where `hosts.toml` files are looked for.
        var directory: String
        var notes: [String] = []
    }

    /// The text with `config_path`, which stays where it is set.
    static func configured(_ text: String?) throws(EditFault) -> Edit {
        let document = try TOMLDocument(text ?? "")
        guard !document.statements.isEmpty else {
            return Edit(text: fresh(document, isNew: text == nil), directory: usualDirectory)
        }
        let section = try section(document)
        let path = section + ["config_path"]
        var edit = Edit(text: document.text, directory: usualDirectory, notes: notes(document))
        if let assignment = try document.assignment(path), case .value(let value, let range) = assignment.kind {
            guard let paths = value.string else {
                throw EditFault("config_path is no string", line: assignment.line)
            }
            if let first = paths.split(separator: ":").first {
                edit.directory = String(first)
                return edit
            }
            try checkMirrors(document, section)
            edit.text = document.replacing(range, with: TOMLDocument.quoted(usualDirectory))
            return edit
        }
        try checkMirrors(document, section)
        try document.checkFree(section)
        let line = "config_path = \(TOMLDocument.quoted(usualDirectory))"
        guard let header = try document.header(section) else {
            edit.text = document.appending(["[\(TOMLDocument.written(section))]", "  \(line)"])
            return edit
        }
        let key = document.statements.first { !$0.isHeader && $0.table == section }
        let indentation = key.map(document.indentation) ?? document.indentation(of: header) + "  "
        let end = header.lines.upperBound
        let start = document.bytes[end - 1] == 0x0A ? "" : document.lineBreak
        edit.text = document.replacing(end..<end, with: start + indentation + line + document.lineBreak)
        return edit
    }

    /// A text that was changed since, without our `config_path`; `original`: what it was before us.
    static func restored(_ text: String, original: String?) throws(EditFault) -> String {
        let document = try TOMLDocument(text)
        guard !document.statements.isEmpty else { return text }
        let section = try section(document)
        let path = section + ["config_path"]
        guard let ours = try document.assignment(path), case .value(.string(usualDirectory), let range) = ours.kind
        else { return text }
        let before = try TOMLDocument(original ?? "")
        if let theirs = try before.assignment(path), case .value(_, let old) = theirs.kind {
            return document.replacing(range, with: String(decoding: before.bytes[old], as: UTF8.self))
        }
        var lines = ours.lines
        let isAlone = !document.statements.contains { $0 != ours && !$0.isHeader && $0.table == section }
        if let header = try document.header(section), try before.header(section) == nil, isAlone,
            header.lines.upperBound == lines.lowerBound
        {
            lines = header.lines.lowerBound..<lines.upperBound
        }
        return document.replacing(lines, with: "")
    }

    private static func fresh(_ document: TOMLDocument, isNew: Bool) -> String {
        let comment = isNew ? ["# Written by `dfdaemon runtime configure containerd`."] : []
        let section = TOMLDocument.written(["plugins", "io.containerd.grpc.v1.cri", "registry"])
        let lines =
            comment + [
                "version = 2", "", "[\(section)]", "  config_path = \(TOMLDocument.quoted(usualDirectory))",
            ]
        return document.appending(lines)
    }

    /// The registry section of the CRI plugin; each version of the format names it anew.
    private static func section(_ document: TOMLDocument) throws(EditFault) -> [String] {
        guard let version = try document.assignment(["version"]), case .value(_, let range) = version.kind else {
            // Without a version it is version 1 (containerd, docs/man/containerd-config.toml.5.md).
            return ["plugins", "cri", "registry"]
        }
        switch String(decoding: document.bytes[range], as: UTF8.self) {
        case "1": return ["plugins", "cri", "registry"]
        case "2": return ["plugins", "io.containerd.grpc.v1.cri", "registry"]
        case "3": return ["plugins", "io.containerd.cri.v1.images", "registry"]
        default:
            throw EditFault(
                "this version of the configuration is not known; set config_path of the registry section by hand",
                line: version.line
            )
        }
    }

    /// With `config_path`, containerd refuses `mirrors` and `configs.*.tls`, and its CRI plugin would not start.
    private static func checkMirrors(_ document: TOMLDocument, _ section: [String]) throws(EditFault) {
        let depth = section.count
        let old = document.statements.first { statement in
            guard statement.path.starts(with: section), statement.path.count > depth else { return false }
            switch statement.path[depth] {
            case "mirrors":
                if statement.path.count > depth + 1 { return true }
                return statement.value.map { !$0.isEmpty } ?? false
            case "configs":
                if statement.path.count > depth + 2 { return statement.path[depth + 2] == "tls" }
                return statement.value.map { !$0.isEmpty } ?? false
            default: return false
            }
        }
        guard let old else { return }
        throw EditFault(
            "registries are configured here in the deprecated way (\(TOMLDocument.written(old.path))), and containerd does "
                + "not take that together with config_path: move it to \(usualDirectory)/<registry>/hosts.toml "
                + "(containerd's docs/hosts.md), take it out here, and run this again",
            line: old.line
        )
    }

    private static func notes(_ document: TOMLDocument) -> [String] {
        var notes: [String] = []
        for statement in document.statements {
            guard let names = statement.value?.strings, !names.isEmpty else { continue }
            if statement.path == ["imports"] {
                notes.append(
                    "config.toml imports \(names.joined(separator: ", ")): a CRI section there replaces the one that was "
                        + "configured here; see `containerd config dump`"
                )
            }
            let isCRI: (String) -> Bool = {
                ["cri", "io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images"].contains($0)
            }
            if statement.path == ["disabled_plugins"], names.contains(where: isCRI) {
                notes.append(
                    "config.toml disables the CRI plugin (disabled_plugins): Kubernetes can not use this containerd; "
                        + "`ctr images pull --hosts-dir` and nerdctl can"
                )
            }
        }
        return notes
    }
}
