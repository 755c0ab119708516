package import Content
internal import Synchronization

extension PieceFile {
    /// Waits until the byte at `offset` is committed.
    ///
    /// Returns the committed bytes from there on without a gap; an empty range at or behind the end of the content.
    /// Throws what the download failed with, or `.cancelled`.
    package func available(from offset: Int64) async throws(StoreError) -> ByteRange {
        guard case .committed(let range) = try await arrival(from: offset, early: nil) else {
            throw StoreError(.failed, "bytes were handed out early that nobody asked for")
        }
        return range
    }

    /// Waits until the byte at `offset` is committed, or so many bytes from there on (`early`) have been written in its piece
    /// that came from the origin to this node itself.
    ///
    /// Throws what the download failed with, or `.cancelled`.
    package func arrival(from offset: Int64, early: Int64?) async throws(StoreError) -> Arrival {
        guard offset >= 0, offset < .max / 2 else { throw StoreError(.outOfRange, "\(offset) is no offset") }
        let ticket = state.withLock { $0.takeTicket() }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if let result = state.withLock({ $0.read(from: offset, early: early, ticket: ticket, continuation) }) {
                    continuation.resume(returning: result)
                } else if Task.isCancelled {
                    withdraw(ticket, at: offset)
                }
            }
        } onCancel: {
            withdraw(ticket, at: offset)
        }
        return try result.get()
    }

    private func withdraw(_ ticket: UInt64, at offset: Int64) {
        let reader = state.withLock { $0.withdraw(ticket, at: offset) }
        reader?.resume(returning: .failure(StoreError(.cancelled, "the reader was cancelled")))
    }

    /// Reads committed bytes.
    ///
    /// Returns how many were read: `range.count`, or what `buffer` takes. Throws `.outOfRange` where any of them is not
    /// committed.
    package func read(
        _ range: ByteRange,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(StoreError) -> Int {
        let count = Int(min(range.count, Int64(buffer.count)))
        let wanted = ByteRange(range.offset..<range.offset + Int64(count))
        guard state.withLock({ $0.isCommitted(wanted) }) else {
            throw StoreError(.outOfRange, "bytes \(wanted) are not committed")
        }
        let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
        guard try FileAccess.read(part, at: wanted.offset, from: descriptor) == count else {
            throw StoreError(.corrupt, "the file ends before byte \(wanted.end)")
        }
        return count
    }

    /// Reads bytes of one piece that arrived early, or are committed by now, as many as `buffer` takes.
    ///
    /// Returns how many were read; nil where they are neither any longer.
    package func readEarly(
        _ range: ByteRange,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(StoreError) -> Int? {
        let wanted = ByteRange(range.offset..<range.offset + min(range.count, Int64(buffer.count)))
        let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(wanted.count)])
        if !state.withLock({ $0.isCommitted(wanted) }) {
            let count = try FileAccess.read(part, at: wanted.offset, from: descriptor)
            // Whoever else writes to the piece says so before: so these were the origin's.
            if count == part.count, state.withLock({ $0.isEarly(wanted) }) { return count }
            guard state.withLock({ $0.isCommitted(wanted) }) else { return nil }
        }
        return try read(wanted, into: part)
    }

    /// Calls `observer` for every piece committed from now on, on a hashing thread: it must return soon.
    ///
    /// It is called for as long as the registration is held.
    package func onCommit(_ observer: @escaping @Sendable (PieceIndex, PieceCheck) -> Void) -> CommitRegistration {
        let ticket = state.withLock { state in
            let ticket = state.takeTicket()
            state.observers[ticket] = observer
            return ticket
        }
        return CommitRegistration(file: self, ticket: ticket)
    }
}

/// What a reader can have of content that is arriving.
package enum Arrival: Sendable, Equatable {
    /// Committed bytes without a gap; none at or behind the content's end.
    case committed(ByteRange)
    /// Bytes of one piece that came from the origin to this node itself and are not committed yet: never all of the piece, nor
    /// the content's last one.
    ///
    /// Nobody has verified them, and they may be replaced. A reader compares them with the piece once it is committed, and
    /// does without the content's end until then.
    case early(ByteRange)
}

/// Keeps an observer of a ``PieceFile`` registered until it is cancelled or let go of.
package final class CommitRegistration: Sendable {
    private let file: PieceFile
    private let ticket: UInt64

    init(file: PieceFile, ticket: UInt64) {
        self.file = file
        self.ticket = ticket
    }

    deinit { cancel() }

    /// Ends the calls; one that is running already may still be.
    package func cancel() {
        // What the observer holds is let go of when the lock is released.
        _ = file.state.withLock { $0.observers.removeValue(forKey: ticket) }
    }
}
