import BackendAPI
import Content
import HTTPTypes

/// The request fields that are known to choose nothing: an origin gives the same content with and without them.
///
/// The swarm's own request carries none of them, so a list of what is harmless and not of what is harmful: a field that nobody has
/// thought of may be a key, and what the origin gives without it is then other content.
enum InertFields {
    /// What the swarm's request carries as the client has it, and what is decided about elsewhere: the client's rights, and which
    /// way a message has come.
    private static let judged = Set(SharedCache.selecting.map { $0.lowercased() }).union([
        "authorization", "cookie", "via",
    ])

    private static let names: Set<String> = [
        // Which part is wanted, and whether it is at all (RFC 9110 §13, §14); what is asked of caches (RFC 9111 §5).
        "range", "if-range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "cache-control",
        "pragma",
        // How far, and how soon (RFC 9110 §7.6.2, RFC 9218).
        "max-forwards", "priority",
        // Of a body that is not there: requests with one are none for the cache. conda sends it with GET.
        "content-type", "trailer",
        // Digests besides the content, as aria2 wants them (RFC 3230, RFC 9530).
        "want-digest", "want-content-digest", "want-repr-digest",
        // Who asks, and from where (RFC 9110 §10.1).
        "user-agent", "referer", "from", "date", "x-real-ip", "forwarded", "x-forwarded-for", "x-forwarded-proto",
        "x-forwarded-port", "x-forwarded-server",
        // What browsers say of themselves and their users.
        "dnt", "sec-gpc", "sec-purpose", "purpose", "upgrade-insecure-requests",
        // Which request it is, for those who trace it; huggingface_hub numbers its own so.
        "x-request-id", "x-correlation-id", "x-amzn-trace-id", "x-cloud-trace-context", "traceparent", "tracestate",
        "baggage", "b3", "uber-trace-id", "sentry-trace",
        // What npm and zypper count.
        "npm-auth-type", "npm-command", "npm-scope", "npm-session", "npm-in-ci", "pacote-version", "pacote-req-type",
        "pacote-pkg-id",
        "pacote-integrity", "x-zypp-anonymousid", "x-zypp-distributionflavor",
    ]

    private static let prefixes = ["sec-fetch-", "sec-ch-", "x-b3-", "x-datadog-"]

    /// The first field of a request that would reach the origin and may choose what it gives.
    static func exception(in headers: HTTPFields) -> String? {
        Relay.endToEnd(headers).lazy.map { $0.name.lowercased() }.first { name in
            !judged.contains(name) && !names.contains(name) && !prefixes.contains { name.hasPrefix($0) }
        }
    }
}
