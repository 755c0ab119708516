/// A `registries.conf` of podman, CRI-O, buildah and skopeo (containers-registries.conf(5), version 2).
enum RegistriesFile {
    /// One `[[registry]]`.
    struct Entry: Sendable, Hashable {
        var prefix: String?
        var location: String?
        /// The locations of its mirrors, in order.
        var mirrors: [String] = []
        let line: Int

        /// The images that it is for.
        var scope: String { prefix ?? location ?? "" }
    }

    /// Another file that the same programs read.
    struct Other: Sendable, Hashable {
        let path: String
        let text: String
    }

    struct Edit: Sendable, Hashable {
        var text: String
        var notes: [String] = []
    }

    /// The text of our own file with an entry for each registry.
    ///
    /// Of two entries for the same images the later file's holds as a whole, so there must be only one in all `others`.
    static func configured(
        _ text: String?,
        registries: [RegistryName],
        mirror: MirrorAddress,
        others: [Other]
    ) throws(SetupError) -> Edit {
        let own: [Entry]
        do throws(EditFault) { own = try entries(text ?? "") } catch { throw SetupError.at(fragmentPath, error) }
        var edit = Edit(text: text ?? header)
        for registry in registries {
            let location = location(registry, mirror)
            guard !registry.hasPort else {
                throw SetupError(
                    "\(registry): a mirror for a registry with a port can not be written in registries.conf, where a path "
                        + "has no ':'; pull \(mirror.authority)/NAME/..., with NAME and its url among "
                        + "registry_mirror.registries of dfdaemon.yml"
                )
            }
            var isThere = false
            for (path, entry) in try all(others) + own.map({ (fragmentPath, $0) }) {
                if entry.scope.hasPrefix("\(registry)/") {
                    edit.notes.append(
                        "\(path):\(entry.line) is for \(entry.scope) alone: those images do not come through \(mirror)"
                    )
                }
                guard entry.scope == registry.text else { continue }
                guard entry.mirrors.first == location else {
                    throw SetupError(
                        "\(path):\(entry.line): there is a [[registry]] for \(registry) already: add to it, as the first of its "
                            + "mirrors: [[registry.mirror]] location = \"\(location)\"\(mirror.isEncrypted ? "" : " insecure = true")"
                    )
                }
                isThere = true
            }
            if !isThere { edit.text += addition(registry, mirror) }
        }
        return edit
    }

    private static let header =
        "# Written by `dfdaemon runtime configure`; `dfdaemon runtime restore` takes it away.\n"

    /// A text of ours as it were with those `registries` alone; `original`: what it was before us.
    static func kept(
        _ registries: Set<String>,
        of text: String,
        original: String?,
        mirror: MirrorAddress
    ) throws(EditFault) -> String {
        let theirs = Set(try entries(original ?? "").map(\.scope))
        var kept = original ?? header
        for entry in try entries(text) where registries.contains(entry.scope) && !theirs.contains(entry.scope) {
            guard let registry = RegistryName(entry.scope) else { continue }
            kept += addition(registry, mirror)
        }
        return kept
    }

    /// Where our file is.
    static let fragmentPath = "/etc/containers/registries.conf.d/darter.conf"

    /// The registries whose first mirror is ours.
    static func registries(through mirror: MirrorAddress, _ text: String) -> [RegistryName] {
        let entries = (try? entries(text)) ?? []
        return entries.filter { $0.mirrors.first == "\(mirror.authority)/\($0.scope)" }.compactMap {
            RegistryName($0.scope)
        }
    }

    private static func all(_ others: [Other]) throws(SetupError) -> [(String, Entry)] {
        var found: [(String, Entry)] = []
        for other in others {
            do throws(EditFault) {
                found += try entries(other.text).map { (other.path, $0) }
            } catch {
                throw SetupError.at(other.path, error)
            }
        }
        return found
    }

    private static func location(_ registry: RegistryName, _ mirror: MirrorAddress) -> String {
        "\(mirror.authority)/\(registry)"
    }

    private static func addition(_ registry: RegistryName, _ mirror: MirrorAddress) -> String {
        let name = TOMLDocument.quoted(registry.text)
        let lines = [
            "", "[[registry]]", "prefix = \(name)", "location = \(name)", "", "[[registry.mirror]]",
            "location = \(TOMLDocument.quoted(location(registry, mirror)))",
        ]
        return (lines + (mirror.isEncrypted ? [] : ["insecure = true"])).map { $0 + "\n" }.joined()
    }

    /// All entries of a file.
    static func entries(_ text: String) throws(EditFault) -> [Entry] {
        var entries: [Entry] = []
        for statement in try TOMLDocument(text).statements {
            switch (statement.kind, statement.path) {
            case (.tableOfArray, ["registry"]): entries.append(Entry(line: statement.line))
            case (_, let path) where path.first == "registries":
                throw EditFault(
                    "this is version 1 of the format, which takes no mirrors; write it in version 2 "
                        + "(containers-registries.conf(5)), and run this again",
                    line: statement.line
                )
            case (.value, ["registry"]), (.table, ["registry"]):
                throw EditFault(
                    "registries are not written as [[registry]]; write them so, and run this again",
                    line: statement.line
                )
            case (.value(let value, _), ["registry", "prefix"]):
                entries.indices.last.map { entries[$0].prefix = value.string }
            case (.value(let value, _), ["registry", "location"]):
                entries.indices.last.map { entries[$0].location = value.string }
            case (.value(let value, _), ["registry", "mirror", "location"]):
                entries.indices.last.map { entries[$0].mirrors.append(value.string ?? "") }
            case (.value, ["registry", "mirror"]):
                throw EditFault(
                    "mirrors are not written as [[registry.mirror]]; write them so, and run this again",
                    line: statement.line
                )
            default: continue
            }
        }
        return entries
    }
}
