internal import Content

/// What of an origin's header is kept beside its content, for clients to see (RFC 9111 §3.1): all that speaks of the content.
enum ReplayedFields {
    /// Fields of one connection, of one client, or that whoever sends the content says for itself.
    private static let withheld: Set<String> = [
        // RFC 9110 §7.6.1
        "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
        // The framing, and how old it is
        "accept-ranges", "age", "content-length", "content-range",
        // Of one client
        "authentication-info", "clear-site-data", "proxy-authenticate", "proxy-authentication-info",
        "proxy-authorization", "set-cookie", "set-cookie2", "www-authenticate",
        // Of the place that answered
        "alt-svc", "retry-after",
    ]

    /// So much of it is kept, in bytes: it stands in every node's index.
    static let mostBytes = 16 << 10

    /// Whether all of it can be kept.
    static func fits(_ fields: HeaderFields) -> Bool { size(kept(fields)) <= mostBytes }

    /// The fields in order, as many as there is room for.
    static func of(_ fields: HeaderFields) -> HeaderFields {
        let kept = kept(fields)
        guard size(kept) > mostBytes else { return kept }
        var result = HeaderFields()
        var room = mostBytes
        for field in kept where size(field) <= room {
            room -= size(field)
            result.append(field.name, field.value)
        }
        return result
    }

    private static func kept(_ fields: HeaderFields) -> HeaderFields {
        let named = Set(fields.elements(of: "Connection").map { $0.lowercased() })
        return fields.filter { !withheld.contains($0) && !named.contains($0) }
    }

    private static func size(_ fields: HeaderFields) -> Int { fields.reduce(0) { $0 + size($1) } }

    private static func size(_ field: HeaderFields.Field) -> Int { field.name.utf8.count + field.value.utf8.count + 4 }
}
