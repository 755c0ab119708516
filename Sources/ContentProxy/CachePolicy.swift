import BackendAPI
import Content
import HTTPTypes
import OriginFetch
import WireAPI

/// What a shared cache may do with a request (RFC 9111), decided from its head and its rule alone.
///
/// A pure value. What may be kept of the origin's answer is ``SharedCache``'s to say.
enum CachePolicy: Sendable, Hashable {
    /// Straight to the origin; why, in a word.
    case straight(Reason)
    /// From what is here, or through the swarm.
    case content(ContentUse)
    /// Nothing may be asked, and nothing can be here: 504.
    case unsatisfiable

    /// Why a request is none for the cache.
    enum Reason: String, Sendable {
        /// No rule matches.
        case noRule = "no-rule"
        /// A rule says so.
        case rule
        case method
        case body
        case upgrade
        case cookie
        case authorization
        case noStore = "no-store"
        /// It has a field that may choose the content, and that the swarm's own request would not have.
        case unknownField = "unknown-field"
        /// It comes from the swarm itself.
        case swarm
    }

    /// A request that the cache may answer.
    struct ContentUse: Sendable, Hashable {
        /// The fields that select the content, as the client has them.
        var headers: HeaderFields
        /// The client's right to it.
        var credentials: HeaderFields
        var freshness: FreshnessDemand?
        /// Whether nobody may be asked.
        var onlyIfCached: Bool
        /// Whether only the header is wanted.
        var isHead: Bool
    }

    /// Decides for a request; `rule`: the one that matches its URL.
    init(_ method: HTTPRequest.Method, _ headers: HTTPFields, _ rule: ForwardRule?) {
        guard let rule else {
            self = .straight(.noRule)
            return
        }
        let wishes = Wishes(headers)
        if let reason = Self.reason(method, headers, rule, wishes) {
            // RFC 9111 §5.2.1.7; a rule that says `direct` is no cache at all.
            self = wishes.onlyIfCached && reason != .rule && reason != .swarm ? .unsatisfiable : .straight(reason)
            return
        }
        var use = ContentUse(
            headers: HeaderFields(),
            credentials: HeaderFields(),
            onlyIfCached: wishes.onlyIfCached,
            isHead: method == .head
        )
        for name in SharedCache.selecting {
            guard let field = HTTPField.Name(name) else { continue }
            let values = headers[values: field]
            // Several lines say the same as one.
            if !values.isEmpty { use.headers.append(name, values.joined(separator: ", ")) }
        }
        if let authorization = headers[.authorization] { use.credentials.append("Authorization", authorization) }
        let demand = FreshnessDemand(lifetime: rule.freshness?.seconds, maxAge: wishes.maxAge)
        use.freshness = demand == .none ? nil : demand
        self = .content(use)
    }

    private static func reason(
        _ method: HTTPRequest.Method,
        _ headers: HTTPFields,
        _ rule: ForwardRule,
        _ wishes: Wishes
    ) -> Reason? {
        if rule.direct { return .rule }
        guard method == .get || method == .head else { return .method }
        if Via.isSwarm(headers) { return .swarm }
        if headers[.contentLength].map({ $0 != "0" }) ?? (headers[.transferEncoding] != nil) { return .body }
        if headers[.upgrade] != nil { return .upgrade }
        if headers[.cookie] != nil { return .cookie }
        if headers[.authorization] != nil, !rule.allowAuthorization { return .authorization }
        if wishes.noStore { return .noStore }
        return InertFields.exception(in: headers) == nil ? nil : .unknownField
    }

    /// Whether an answer to a request says that what was kept under its URL is out of date (RFC 9111 §4.4).
    static func invalidates(_ method: HTTPRequest.Method, status: Int) -> Bool {
        let safe: Set<HTTPRequest.Method> = [.get, .head, .options, .trace]
        return !safe.contains(method) && (200..<400).contains(status)
    }

    /// Whether what is here may be used after all because the origin fails in this way (RFC 5861 §4).
    static func allowsStale(_ record: OriginRecord, at now: Double, _ use: ContentUse, _ error: WireError) -> Bool {
        guard use.freshness?.maxAge == nil, isFailure(error),
            let since = record.freshUntil ?? record.generatedAt
        else { return false }
        return SharedCache.allowsStale(record.headers, staleFor: now - since)
    }

    private static func isFailure(_ error: WireError) -> Bool {
        let codes: [WireError.Code] = [.originUnreachable, .originUnavailable, .supernodeUnreachable]
        if codes.contains(error.code) { return true }
        return error.code == .notShareable
            && (error.detail["status"].flatMap { Int($0) }.map { (500...504).contains($0) } ?? false)
    }
}

/// What a client asks of caches (RFC 9111 §5.2.1).
private struct Wishes {
    var noStore = false
    var onlyIfCached = false
    /// Nothing older than this, in seconds.
    var maxAge: Double?

    init(_ headers: HTTPFields) {
        let lines = HeaderFields(headers[values: .cacheControl].map { ("Cache-Control", $0) })
        let directives = lines.elements(of: "Cache-Control")
        for directive in directives {
            let parts = directive.split(separator: "=", maxSplits: 1)
            switch parts.first?.lowercased() {
            case "no-store": noStore = true
            case "no-cache": maxAge = 0
            case "only-if-cached": onlyIfCached = true
            case "max-age":
                let text = parts.count == 2 ? parts[1].filter { $0 != "\"" } : ""
                // What can not be read asks for the strictest.
                let isNumber = !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
                maxAge = min(maxAge ?? .infinity, isNumber ? Double(text) ?? 0 : 0)
            default: break
            }
        }
        // RFC 9111 §5.4: the old word for it, where there is no new one.
        if directives.isEmpty, let name = HTTPField.Name("Pragma"),
            headers[values: name].contains(where: { $0.lowercased().contains("no-cache") })
        {
            maxAge = 0
        }
    }
}
