package import Content

/// A request that a ``ScriptedServer`` got.
package struct ScriptedRequest: Sendable {
    /// The method.
    package var method: String
    /// The request target as it was sent: path and query, or an absolute URL sent to a proxy.
    package var target: String
    /// All fields in order.
    package var headers: HeaderFields
    /// The whole body.
    package var body: [UInt8]
    /// The fields behind the body.
    package var trailers: HeaderFields = [:]
    /// Which request of the server this is, from 1.
    package var number: Int
    /// Over which of its connections it came, from 1.
    package var connection: Int

    /// The target without its query.
    package var path: String { String(target.prefix { $0 != "?" }) }
    /// What follows the first `?`.
    package var query: String? {
        target.firstIndex(of: "?").map { String(target[target.index(after: $0)...]) }
    }
    /// What the `Range` field asks for.
    package var range: RangeHeader? { headers["Range"].flatMap { RangeHeader($0) } }
}
