import HTTPTypes
package import Hummingbird

extension Request {
    /// Whether the client offers to go on with another protocol (RFC 9110 §7.8).
    package var asksForUpgrade: Bool { head.asksForUpgrade }
}

extension HTTPRequest {
    fileprivate var asksForUpgrade: Bool {
        headerFields[.upgrade] != nil
            && headerFields[values: .connection].contains { $0.lowercased().contains("upgrade") }
    }

    /// Whether the decoder expects another protocol behind it, and reads no further requests, whatever the response.
    var endsHTTP: Bool { method == .connect || asksForUpgrade }
}
