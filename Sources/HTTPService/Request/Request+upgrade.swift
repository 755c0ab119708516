import HTTPTypes
package import Hummingbird

extension Request {
    /// Whether the client offers to go on with another protocol (RFC 9110 §7.8).
    package var asksForUpgrade: Bool {
        headers[.upgrade] != nil
            && headers[values: .connection].contains { $0.lowercased().contains("upgrade") }
    }
}
