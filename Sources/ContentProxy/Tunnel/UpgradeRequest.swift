import HTTPTypes
import Hummingbird
import NIOCore

/// A request that asks for another protocol, as it goes on.
///
/// RFC 9110 §7.6.1: what the client says of its own connection ends here, but for the upgrade, which is meant for the upstream.
enum UpgradeRequest {
    private static let dropped: Set<String> = [
        "connection", "content-length", "expect", "host", "keep-alive", "proxy-authenticate", "proxy-authorization",
        "proxy-connection", "te", "trailer", "transfer-encoding",
    ]

    /// Head and body in the bytes of HTTP/1.1.
    static func bytes(_ request: Request, host: String, body: ByteBuffer) -> [UInt8] {
        let named = Set(
            request.headers[values: .connection].flatMap { $0.split(separator: ",") }
                .map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
        ).subtracting(["upgrade"])
        var lines = ["\(request.method.rawValue) \(request.head.path ?? "/") HTTP/1.1", "Host: \(host)"]
        for field in request.headers where !dropped.union(named).contains(field.name.canonicalName) {
            lines.append("\(field.name.rawName): \(field.value)")
        }
        lines.append("Connection: Upgrade")
        if body.readableBytes > 0 || request.headers[.contentLength] != nil {
            lines.append("Content-Length: \(body.readableBytes)")
        }
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + Array(body.readableBytesView)
    }
}
