package import Content

/// What a ``ScriptedServer`` does with one request, step by step; it need not be right.
///
/// `Script.respond(200, body: bytes)` and its like make whole answers; `Script.head(200).body(bytes).wait(event).reset()`
/// puts one together. After the last step the connection stays open for the next request, unless a step closed it.
package struct Script: Sendable {
    enum Step: Sendable {
        case raw([UInt8])
        /// Left out in the answer to a HEAD.
        case body([UInt8])
        case wait(TestEvent)
        case fire(TestEvent)
        case close
        case reset
    }

    private(set) var steps: [Step] = []

    private init() {}

    // MARK: Steps

    /// Begins with these bytes as they are.
    package static func raw(_ bytes: some Sequence<UInt8>) -> Script { Script().raw(bytes) }

    /// Begins by waiting.
    package static func wait(_ event: TestEvent) -> Script { Script().wait(event) }

    /// Begins with a status line, these fields as they are, and an empty line.
    package static func head(_ status: Int = 200, _ headers: HeaderFields = [:]) -> Script {
        let lines = ["HTTP/1.1 \(status) Scripted"] + headers.map { "\($0.name): \($0.value)" }
        return raw((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
    }

    /// Sends bytes as they are.
    package func raw(_ bytes: some Sequence<UInt8>) -> Script { adding(.raw(Array(bytes))) }

    /// Sends bytes of the body as they are, and nothing in the answer to a HEAD.
    package func body(_ bytes: some Sequence<UInt8>) -> Script { adding(.body(Array(bytes))) }

    /// Sends a chunk; an empty one is the last (RFC 9112 §7.1).
    package func chunk(_ bytes: some Sequence<UInt8>) -> Script {
        let bytes = Array(bytes)
        return body(Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + Array("\r\n".utf8))
    }

    /// Sends nothing more until the event has happened.
    package func wait(_ event: TestEvent) -> Script { adding(.wait(event)) }

    /// Lets an event happen: everything before it was handed to the connection.
    package func fire(_ event: TestEvent) -> Script { adding(.fire(event)) }

    /// Closes the connection in the ordinary way.
    package func close() -> Script { adding(.close) }

    /// Closes the connection with a TCP reset.
    package func reset() -> Script { adding(.reset) }

    private func adding(_ step: Step) -> Script {
        var script = self
        script.steps.append(step)
        return script
    }

    // MARK: Whole answers

    /// An answer with its `Content-Length`.
    package static func respond(
        _ status: Int = 200,
        _ headers: HeaderFields = [:],
        body: some Collection<UInt8> = [UInt8]()
    ) -> Script {
        var headers = headers
        if status != 304, status != 204 { headers["Content-Length"] = String(body.count) }
        return head(status, headers).body(body)
    }

    /// Content from a server that knows ranges: 200, 206 or 416 as RFC 9110 §14 has it; `If-Range` holds if it is
    /// the `ETag` among the headers.
    package static func content(
        _ body: [UInt8],
        for request: ScriptedRequest,
        _ headers: HeaderFields = [:]
    ) -> Script {
        var headers = headers
        headers["Accept-Ranges"] = "bytes"
        let applies = request.headers["If-Range"].map { $0 == headers["ETag"] } ?? true
        guard applies, let range = request.range else { return respond(200, headers, body: body) }
        let length = Int64(body.count)
        switch range.resolve(length: length) {
        case .partial(let part):
            headers["Content-Range"] = ContentRange(range: part, length: length).description
            return respond(206, headers, body: body[Int(part.offset)..<Int(part.end)])
        case .unsatisfiable:
            headers["Content-Range"] = ContentRange(range: nil, length: length).description
            return respond(416, headers)
        }
    }

    /// The full `Content-Length`, but only the first `count` bytes, and then the end of the connection.
    package static func short(_ body: [UInt8], sending count: Int, _ headers: HeaderFields = [:]) -> Script {
        var headers = headers
        headers["Content-Length"] = String(body.count)
        return head(200, headers).body(body.prefix(count)).close()
    }

    /// No length at all: the body ends with the connection.
    package static func unsized(_ body: [UInt8], _ headers: HeaderFields = [:]) -> Script {
        var headers = headers
        headers["Connection"] = "close"
        return head(200, headers).body(body).close()
    }

    /// A body in chunks, with fields behind it.
    package static func chunked(
        _ chunks: [[UInt8]],
        _ headers: HeaderFields = [:],
        trailers: HeaderFields = [:]
    ) -> Script {
        var headers = headers
        headers["Transfer-Encoding"] = "chunked"
        let script = chunks.reduce(head(200, headers)) { $0.chunk($1) }
        let lines = ["0"] + trailers.map { "\($0.name): \($0.value)" } + ["", ""]
        return script.body(lines.joined(separator: "\r\n").utf8)
    }

    /// A redirect.
    package static func redirect(to location: String, status: Int = 302) -> Script {
        respond(status, ["Location": location])
    }

    /// A 401 with this `WWW-Authenticate`.
    package static func challenge(_ value: String) -> Script { respond(401, ["WWW-Authenticate": value]) }
}
