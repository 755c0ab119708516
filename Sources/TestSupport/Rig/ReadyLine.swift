internal import Foundation

/// Where one of our servers listens, from the line it prints when it is ready.
///
/// The line is `NAME ready KEY=VALUE ...`.
package struct ReadyLine: Sendable {
    private let values: [String: String]

    /// Returns nil for any other line, and for the line of another server.
    package init?(_ line: String, of name: String) {
        guard let start = line.range(of: "\(name) ready ") else { return nil }
        var values: [String: String] = [:]
        for field in line[start.upperBound...].split(separator: " ") {
            let pair = field.split(separator: "=", maxSplits: 1)
            if pair.count == 2 { values[String(pair[0])] = String(pair[1]) }
        }
        self.values = values
    }

    /// The ready line of a server that was started, once it has printed it.
    static func wait(for name: String, in process: RunningProcess) async throws -> ReadyLine {
        try await process.line(within: .seconds(60)) { ReadyLine($0, of: name) }
    }

    /// The value of a key; an error if it is not there.
    package func value(_ key: String) throws -> String {
        guard let value = values[key] else { throw RigError("no \(key) in the ready line: \(values)") }
        return value
    }
}
