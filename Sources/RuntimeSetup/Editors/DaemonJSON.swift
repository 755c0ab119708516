/// dockerd's `daemon.json`: the mirrors of Docker Hub, the only registry that dockerd has mirrors for.
enum DaemonJSON {
    private static let key = "registry-mirrors"

    /// The text with the mirror as the first one.
    static func configured(_ text: String?, mirror: MirrorAddress) throws(EditFault) -> String {
        guard let text, !isBlank(text) else { return "{\n  \(member(mirror))\n}\n" }
        let object = try JSONObjectText(text)
        guard let list = try object.member(key) else { return object.appending(member(mirror)) }
        let mirrors = try mirrors(list)
        guard mirrors.first.map(mirror.matches) != true else { return text }
        if mirrors.contains(where: mirror.matches) {
            return try configured(try without(mirror, text, keepsEmptyList: true), mirror: mirror)
        }
        return object.inserting(JSONObjectText.quoted(mirror.url), into: list)
    }

    /// A text that was changed since, without the mirror; `original`: what it was before us.
    static func restored(_ text: String, original: String?, mirror: MirrorAddress) throws(EditFault) -> String {
        guard !isBlank(text) else { return text }
        let hadList = try original.map { text throws(EditFault) in
            isBlank(text) ? false : try JSONObjectText(text).member(key) != nil
        }
        return try without(mirror, text, keepsEmptyList: hadList ?? false)
    }

    /// Whether the mirror is among the configured ones.
    static func names(_ mirror: MirrorAddress, _ text: String) -> Bool {
        guard let object = try? JSONObjectText(text), let list = try? object.member(key) else { return false }
        return list.elements?.contains { $0.string.map(mirror.matches) ?? false } ?? false
    }

    private static func without(
        _ mirror: MirrorAddress,
        _ text: String,
        keepsEmptyList: Bool
    ) throws(EditFault) -> String {
        let object = try JSONObjectText(text)
        guard let index = object.members.firstIndex(where: { $0.name == key }) else { return text }
        let list = object.members[index]
        let mirrors = try mirrors(list)
        guard let place = mirrors.firstIndex(where: mirror.matches) else { return text }
        if mirrors.count == 1, !keepsEmptyList {
            return object.removing(index, of: object.members.map(\.range), within: object.inside)
        }
        let inside = (list.value.lowerBound + 1)..<(list.value.upperBound - 1)
        let rest = object.removing(place, of: (list.elements ?? []).map(\.range), within: inside)
        return try without(mirror, rest, keepsEmptyList: keepsEmptyList)
    }

    private static func mirrors(_ list: JSONObjectText.Member) throws(EditFault) -> [String] {
        let texts = list.elements?.compactMap(\.string)
        guard let texts, texts.count == list.elements?.count else {
            throw EditFault("'\(key)' is no list of URLs; make it one, such as []")
        }
        return texts
    }

    private static func member(_ mirror: MirrorAddress) -> String {
        "\"\(key)\": [\(JSONObjectText.quoted(mirror.url))]"
    }

    /// dockerd takes an empty file for an empty object.
    private static func isBlank(_ text: String) -> Bool {
        text.utf8.allSatisfy { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
    }
}
