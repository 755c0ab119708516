/// containerd's `hosts.toml` of one registry (containerd, docs/hosts.md).
///
/// containerd tries the hosts in the order in which they stand in the file, and `server` at last.
enum HostsFile {
    /// The text with the mirror as the first host; the same text where it is that already.
    ///
    /// `registry`: nil is `_default`, which holds for all registries that have no directory of their own.
    static func configured(
        _ text: String?,
        registry: RegistryName?,
        mirror: MirrorAddress
    ) throws(EditFault) -> String {
        guard let text else { return fresh(registry, mirror) }
        let document = try TOMLDocument(text)
        try checkShape(document, mirror)
        let headers = document.statements.filter(\.isHeader)
        guard let ours = try header(of: mirror, in: document) else {
            return inserted(table(mirror).map { $0 + document.lineBreak }.joined(), into: document)
        }
        guard headers.first(where: { $0.path.first == "host" }) != ours else { return text }
        let block = document.block(of: ours)
        var moved = String(decoding: document.bytes[block], as: UTF8.self)
        if !TOMLDocument.endsLine(moved) { moved += document.lineBreak }
        return inserted(moved, into: try TOMLDocument(without(block, document)))
    }

    /// The text without the mirror.
    static func restored(_ text: String, mirror: MirrorAddress) throws(EditFault) -> String {
        let document = try TOMLDocument(text)
        guard let ours = try header(of: mirror, in: document) else { return text }
        return without(document.block(of: ours), document)
    }

    /// Whether the mirror is among the hosts.
    static func names(_ mirror: MirrorAddress, _ text: String) -> Bool {
        guard let document = try? TOMLDocument(text) else { return false }
        return (try? header(of: mirror, in: document)) != nil
    }

    private static func fresh(_ registry: RegistryName?, _ mirror: MirrorAddress) -> String {
        let server = registry?.server.map { ["server = \(TOMLDocument.quoted($0))", ""] } ?? []
        return (["# Written by `dfdaemon runtime configure containerd`."] + server + table(mirror))
            .map { $0 + "\n" }.joined()
    }

    private static func table(_ mirror: MirrorAddress) -> [String] {
        ["[\(TOMLDocument.written(["host", mirror.url]))]", "  capabilities = [\"pull\", \"resolve\"]"]
    }

    private static func header(of mirror: MirrorAddress, in document: TOMLDocument) throws(EditFault) -> TOMLStatement?
    {
        let found = document.statements.first {
            $0.isHeader && $0.path.count == 2 && $0.path[0] == "host" && mirror.matches($0.path[1])
        }
        guard let found else { return nil }
        return try document.header(found.path)
    }

    /// Hosts are tables with headers: the order of anything else is not for us to know.
    private static func checkShape(_ document: TOMLDocument, _ mirror: MirrorAddress) throws(EditFault) {
        if let value = document.statements.first(where: {
            !$0.isHeader && $0.path.first == "host" && $0.table.count < 2
        }) {
            throw EditFault(
                "a host is not written as a table; write it as [host.\"https://...\"], so that another one fits in front",
                line: value.line
            )
        }
        if let array = document.statements.first(where: { $0.kind == .tableOfArray && $0.path.first == "host" }) {
            throw EditFault("a host is an array of tables", line: array.line)
        }
    }

    /// In front of all tables: keys of the file itself stand above.
    private static func inserted(_ block: String, into document: TOMLDocument) -> String {
        guard let first = document.statements.first(where: \.isHeader) else {
            var start = document.text
            if !start.isEmpty, !TOMLDocument.endsLine(start) { start += document.lineBreak }
            return start + (start.isEmpty ? "" : document.lineBreak) + block
        }
        let place = document.comment(above: first)
        return document.replacing(place..<place, with: block + document.lineBreak)
    }

    /// Takes a block out, and the empty line that parted it from the rest.
    private static func without(_ block: Range<Int>, _ document: TOMLDocument) -> String {
        let (bytes, lineBreak) = (document.bytes, Array(document.lineBreak.utf8))
        var (start, end) = (block.lowerBound, block.upperBound)
        if bytes[end...].starts(with: lineBreak) {
            end += lineBreak.count
        } else if end == bytes.count, bytes[..<start].suffix(2 * lineBreak.count).elementsEqual(lineBreak + lineBreak) {
            start -= lineBreak.count
        }
        return document.replacing(start..<end, with: "")
    }
}
