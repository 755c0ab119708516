import Content
import TestSupport
import Testing

/// A request's body that is none, or that has no end.
struct BrokenBody: Sendable, CustomTestStringConvertible {
    private let framing: String
    private let begin: String
    /// What spoils it; nil: the end of what the client sends.
    private let fault: String?

    static let all = [
        BrokenBody(framing: "Transfer-Encoding: chunked", begin: "3\r\nabc\r\n", fault: "zz\r\n"),
        BrokenBody(framing: "Transfer-Encoding: chunked", begin: "3\r\nabc\r\n", fault: nil),
        BrokenBody(framing: "Content-Length: 10", begin: "abc", fault: nil),
    ]

    var testDescription: String { "\(framing), \(fault == nil ? "ends early" : "no chunk")" }

    /// What comes back up to the connection's end; of a body that only stops (not `breaks`) up to the end of the answer's head.
    func send(to target: String, _ method: String, through server: String, breaks: Bool = true) async throws -> String {
        let port = try #require(server.split(separator: ":").last.flatMap { Int($0) })
        return try await withByteConnection(to: port) { client in
            try await client.send("\(method) \(target) HTTP/1.1\r\nHost: x\r\n\(framing)\r\n\r\n\(begin)")
            guard breaks else { return try await client.read(until: "\r\n\r\n") }
            if let fault { try await client.send(fault) } else { try await client.endOutput() }
            return String(decoding: try await client.readToEnd().bytes, as: UTF8.self)
        }
    }
}
