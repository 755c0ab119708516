package import Content

/// One line of docker-registry's access log, which is in Apache's combined format.
package struct RegistryRequest: Sendable, Hashable {
    /// GET, HEAD, ...
    package let method: String
    /// Path and query.
    package let target: String
    /// The response's status.
    package let status: Int
    /// Bytes of the response's body that were sent.
    package let bytes: Int64

    /// Returns nil for any other line of the log.
    package init?(_ line: String) {
        let parts = line.split(separator: "\"", omittingEmptySubsequences: false)
        guard parts.count > 2 else { return nil }
        let request = parts[1].split(separator: " ")
        let result = parts[2].split(separator: " ")
        guard request.count == 3, request[2].hasPrefix("HTTP/"), result.count == 2, let status = Int(result[0]),
            let bytes = Int64(result[1])
        else { return nil }
        method = String(request[0])
        target = String(request[1])
        self.status = status
        self.bytes = bytes
    }

    /// Whether it sent the content of a blob, or a part of it.
    package func isGet(of blob: Digest) -> Bool {
        method == "GET" && target.contains("/blobs/\(blob)") && (200..<300).contains(status)
    }
}
