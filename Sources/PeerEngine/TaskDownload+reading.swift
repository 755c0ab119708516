package import CacheStore
package import Content
import OriginFetch
import Synchronization

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
        while true {
            let part = try await next(head, range, from: offset)
            if part.isEmpty { return }
            try await deliver(part)
            offset = part.end
        }
    }

    /// Waits for the next bytes of `range` (nil: all) from `offset` on that may go out, as ``read(_:_:_:)`` does; none at its
    /// end.
    package func next(_ head: Head, _ range: ByteRange?, from offset: Int64) async throws -> ByteRange {
        while offset < range?.end ?? .max {
            reading(at: offset)
            let available = try await head.file.available(from: offset)
            if available.isEmpty { break }
            let end = try await verifiedEnd(head, available, isPart: isPart(range, of: head))
            if end > offset { return ByteRange(offset..<min(end, range?.end ?? .max)) }
        }
        // Without a byte there is none to hold back.
        if range == nil || head.length == 0 { _ = try await completion() }
        return ByteRange(offset..<offset)
    }

    /// Waits for the next bytes as ``next(_:_:from:)`` does, or for some that this node has got from the origin and not
    /// verified, where no others come for a while.
    ///
    /// `early`: when, for a reader who compares them with their piece once that is here (``Arrival/early(_:)``) and reads all of
    /// the content; nil: never.
    package func next(
        _ head: Head,
        _ range: ByteRange?,
        from offset: Int64,
        early: EarlyReading?
    ) async throws -> Arrival {
        guard let early, !isDone, head.file.committedRun(from: offset).isEmpty else {
            return .committed(try await next(head, range, from: offset))
        }
        return try await withThrowingTaskGroup(of: Arrival.self) { group in
            group.addTask { .committed(try await self.next(head, range, from: offset)) }
            group.addTask {
                try await early.clock.sleep(for: early.pause)
                let arrival = try await head.file.arrival(from: offset, early: EarlyReading.least)
                if case .early = arrival { return arrival }
                return .committed(try await self.next(head, range, from: offset))
            }
            defer { group.cancelAll() }
            guard let arrival = try await group.next() else { throw CancellationError() }
            return arrival
        }
    }

    /// Whether all of the content is here, and right.
    package var isComplete: Bool { hasSucceeded }

    /// A number that grows as long as anything of the content arrives; nil once all of it is here.
    package var arrived: Int64? {
        let (file, isDone) = state.withLock { ($0.file, $0.outcome != nil) }
        guard let file, !isDone else { return isDone ? nil : 0 }
        return file.isWhole ? nil : 1 + file.bytesArrived + file.bytesCommitted
    }

    /// Whether only a part of content is read of which no more than that will be here: nothing can be said of the whole.
    ///
    /// A piece that came from the swarm is right all the same; and of the last one no supernode tells the digest before it has
    /// checked the whole.
    private func isPart(_ range: ByteRange?, of head: Head) -> Bool {
        guard !demand.isWhole, let range, let length = head.length else { return false }
        return range != ByteRange(length: length)
    }

    /// How much of the bytes at hand may go out: not the last one before the end is known to be good.
    private func verifiedEnd(_ head: Head, _ available: ByteRange, isPart: Bool) async throws -> Int64 {
        if isDone {
            // Done is not good: what failed may be whole and wrong.
            _ = try await completion()
            return available.end
        }
        if isPart { return available.end }
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
