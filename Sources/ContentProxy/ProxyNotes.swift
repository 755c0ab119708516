import Content
import HTTPService
import Hummingbird
import Metrics
import OriginFetch
import PeerEngine
import WireAPI

/// What a client of the proxy has asked for, as logs and metrics name it.
enum ProxyRequestKind: String, Sendable {
    case blob, manifest
    /// What a rule sends through the swarm.
    case content
    /// A tunnel, or a connection that is intercepted.
    case tunnel
    /// Everything else, which is passed on.
    case other
}

/// What is told of an answer in the access log, in its headers and in metrics: said once, by whoever answers.
extension RequestNotes {
    func set(_ kind: ProxyRequestKind) { self["kind"] = kind.rawValue }

    /// The task that the answer is of.
    func set(_ task: TaskID) { self["task"] = "\(task)" }

    /// How the cache took part.
    func set(_ status: CacheStatus) { self["cache"] = status.isHit ? "hit" : status.forward?.rawValue }

    /// Where the content's bytes came from; `direct`: those that went past the swarm to this client.
    func set(_ origins: ByteOrigins, direct: Int64 = 0) {
        let shares = [
            ("store", origins.cache), ("peers", origins.peers), ("supernode", origins.supernode),
            ("origin", origins.origin + direct),
        ]
        for (name, bytes) in shares where bytes > 0 { self[name] = "\(bytes)" }
    }

    /// Counts the answer, and has it say which task it is of and why it came past the swarm.
    ///
    /// The labels' values are this program's own words: their number is bounded.
    func finish(_ response: inout Response) {
        let isDirect = self["direct"] != nil
        let counter = Counter(
            label: "darter_proxy_requests_total",
            dimensions: [
                ("kind", self["kind"] ?? ProxyRequestKind.other.rawValue), ("cache", self["cache"] ?? "none"),
                ("way", isDirect ? "direct" : "swarm"),
            ]
        )
        counter.increment()
        repeatable?.count = { counter.increment() }
        if let task = self["task"] { response.headers.set("X-Darter-Task", task) }
        if let reason = self["direct"] { response.headers.set("X-Darter-Direct", reason) }
    }
}
