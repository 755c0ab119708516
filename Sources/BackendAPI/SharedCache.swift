public import Content

/// What a cache that many clients share may keep of an HTTP origin's answers (RFC 9111 §3).
///
/// Pure decisions.
public enum SharedCache {
    /// The request fields that select content (RFC 9110 §12.5): sent as the client has them, and part of the content's name, so
    /// that an answer may vary by them.
    public static let selecting = ["Accept", "Accept-Encoding", "Accept-Language"]

    private static let selectingNames = Set(selecting.map { $0.lowercased() })

    /// Why the answer to the first request for content must not be kept, in a word; nil where it may.
    ///
    /// Only what is asked for as by a shared cache is judged, and no request that goes on with content whose head is known.
    static func objection(status: Int, fields: HeaderFields, to request: OriginRequest) -> String? {
        guard request.resource.asSharedCache, request.range?.offset ?? 0 == 0 else { return nil }
        if case .ifUnchanged = request.condition { return nil }
        return objection(status: status, fields: fields)
    }

    /// Why an answer must not be kept, in a word; nil where it may.
    ///
    /// Beyond RFC 9111: a cookie that is set is somebody's, whatever else the answer says; and events are for the one who listens,
    /// as they happen.
    public static func objection(status: Int, fields: HeaderFields) -> String? {
        // 416 is what an empty resource answers to a request for its first byte.
        guard [200, 206, 304, 416].contains(status) else { return "status-\(status)" }
        let freshness = Freshness(fields: fields)
        if freshness.noStore { return "no-store" }
        if freshness.isPrivate { return "private" }
        if fields.contains("Set-Cookie") { return "set-cookie" }
        if isEventStream(fields) { return "event-stream" }
        if fields.elements(of: "Vary").contains(where: { !selectingNames.contains($0.lowercased()) }) { return "vary" }
        return ReplayedFields.fits(fields) ? nil : "header-size"
    }

    private static func isEventStream(_ fields: HeaderFields) -> Bool {
        let type = fields["Content-Type"]?.split(separator: ";").first?.filter { $0 != " " }
        return type?.lowercased() == "text/event-stream"
    }

    /// Whether content may be used `staleFor` seconds after its time because its origin fails: only where the origin allows it
    /// (RFC 5861 §4), and never against `must-revalidate` and its like (RFC 9111 §4.2.4).
    public static func allowsStale(_ headers: HeaderFields, staleFor seconds: Double) -> Bool {
        let freshness = Freshness(fields: headers)
        guard !freshness.mustRevalidate, !freshness.noCache, !freshness.noStore else { return false }
        var allowed: Double?
        for directive in headers.elements(of: "Cache-Control") {
            let parts = directive.split(separator: "=", maxSplits: 1)
            switch parts.first?.lowercased() {
            // RFC 9111 §5.2.2.10: it implies proxy-revalidate.
            case "s-maxage": return false
            case "stale-if-error":
                allowed = parts.count == 2 ? deltaSeconds(parts[1].filter { $0 != "\"" })?.seconds : nil
            default: break
            }
        }
        return allowed.map { seconds <= $0 } ?? false
    }
}
