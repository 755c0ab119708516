package import Content
import FoundationEssentials
package import WireAPI

/// What a finished download tells.
package struct Summary: Sendable, Codable, Hashable {
    package var url: ResourceURL?
    package var output: String
    package var bytes: Int64
    package var seconds: Double
    /// The content's digest, where it is known.
    package var digest: Digest?
    package var task: TaskID
    package var from: ByteOrigins

    package init(
        url: ResourceURL?,
        output: String,
        bytes: Int64,
        seconds: Double,
        digest: Digest?,
        task: TaskID,
        from: ByteOrigins
    ) {
        self.url = url
        self.output = output
        self.bytes = bytes
        self.seconds = seconds
        self.digest = digest
        self.task = task
        self.from = from
    }

    /// One line of JSON.
    package var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings and numbers always encode.
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    /// One line for a person.
    package var line: String {
        let rate = seconds > 0 ? Int64(Double(bytes) / seconds) : bytes
        let shares = [
            (from.origin, "origin"), (from.supernode, "supernode"), (from.peers, "peers"), (from.cache, "here before"),
        ]
        let total = max(1, from.total)
        let told = shares.filter { $0.0 > 0 }.map { "\($0.0 * 100 / total)% \($0.1)" }.joined(separator: ", ")
        let time = Int64((seconds * 100).rounded())
        let text = "\(time / 100).\(time % 100 < 10 ? "0" : "")\(time % 100)"
        return "\(output): \(ProgressLine.size(bytes)) in \(text) s, \(ProgressLine.size(rate))/s"
            + (told.isEmpty ? "" : " (\(told))")
    }
}
