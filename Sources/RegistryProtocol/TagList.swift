public import Content
internal import FoundationEssentials

/// One page of a repository's tags (distribution-spec, "Content Discovery").
public struct TagList: Sendable, Hashable, Decodable {
    /// The repository's name.
    public let name: String
    /// The tags on this page.
    public let tags: [String]

    private enum CodingKeys: String, CodingKey { case name, tags }

    /// Decodes a page; registries write `null` for no tags.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decodeIfPresent(String.self, forKey: .name) ?? ""
        tags = try container.decodeIfPresent([String].self, forKey: .tags) ?? []
    }

    /// Parses a page; returns nil for what is none.
    public init?(json: [UInt8]) {
        guard let list = try? JSONDecoder().decode(TagList.self, from: Data(json)) else { return nil }
        self = list
    }

    /// The path and query of the next page, as a `Link` with `rel="next"` names it (RFC 8288); nil on the last page.
    ///
    /// A link to another origin is not followed: credentials would have to go there.
    public static func nextPage(_ fields: HeaderFields, from url: ResourceURL) -> ResourceURL? {
        for link in fields.elements(of: "Link") {
            guard link.hasPrefix("<"), let end = link.firstIndex(of: ">") else { continue }
            let isNext = link[end...].split(separator: ";").dropFirst().contains { parameter in
                let text = parameter.filter { $0 != " " && $0 != "\t" && $0 != "\"" }.lowercased()
                return text == "rel=next"
            }
            guard isNext else { continue }
            let target = String(link[link.index(after: link.startIndex)..<end])
            let next: ResourceURL?
            if target.hasPrefix("/"), !target.hasPrefix("//") {
                next = ResourceURL(url.origin + target)
            } else if target.hasPrefix("?") {
                next = ResourceURL(url.origin + url.path + target)
            } else {
                next = ResourceURL(target)
            }
            return next?.origin == url.origin && next != url ? next : nil
        }
        return nil
    }
}
