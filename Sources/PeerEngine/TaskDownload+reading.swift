import CacheStore
package import Content

extension TaskDownload {
    /// Hands out the bytes of `range` (nil: all) in order as they arrive.
    ///
    /// The content's last byte comes only once the whole content has been verified: whoever got everything got the right
    /// bytes.
    package func read(
        _ head: Head,
        _ range: ByteRange?,
        _ deliver: (ByteRange) async throws -> Void
    ) async throws {
        var offset = range?.offset ?? 0
        while offset < range?.end ?? .max {
            reading(at: offset)
            let available = try await head.file.available(from: offset)
            if available.isEmpty { break }
            let end = try await verifiedEnd(head, available)
            guard end > offset else { continue }
            try await deliver(ByteRange(offset..<min(end, range?.end ?? .max)))
            offset = end
        }
        if range == nil { _ = try await completion() }
    }

    /// How much of the bytes at hand may go out: not the last one before the end is known to be good.
    private func verifiedEnd(_ head: Head, _ available: ByteRange) async throws -> Int64 {
        if isDone {
            // Done is not good: what failed may be whole and wrong.
            _ = try await completion()
            return available.end
        }
        guard let length = head.file.layout.length else {
            if available.count > 1 { return available.end - 1 }
            // This byte may be the last: it is not if another one follows.
            let following = try await head.file.available(from: available.end)
            if following.isEmpty { _ = try await completion() }
            return available.end
        }
        if available.end < length { return available.end }
        if available.count > 1 { return length - 1 }
        _ = try await completion()
        return length
    }
}
