internal import Content
internal import Synchronization

/// For whoever may hand out the content's first bytes before they are verified.
extension PieceFile {
    /// Waits until the first `count` bytes of content that is arriving have been written to the file, verified or not.
    ///
    /// Throws what the download failed with, or `.cancelled`.
    package func beginning(_ count: Int64) async throws(StoreError) {
        let ticket = state.withLock { $0.takeTicket() }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if let result = state.withLock({ $0.awaitBeginning(count, ticket: ticket, continuation) }) {
                    continuation.resume(returning: result)
                } else if Task.isCancelled {
                    withdraw(ticket)
                }
            }
        } onCancel: {
            withdraw(ticket)
        }
        _ = try result.get()
    }

    private func withdraw(_ ticket: UInt64) {
        let reader = state.withLock { $0.withdrawBeginner(ticket) }
        reader?.resume(returning: .failure(StoreError(.cancelled, "the reader was cancelled")))
    }
}

extension PieceFileState {
    /// Nil: the reader waits.
    mutating func awaitBeginning(
        _ count: Int64,
        ticket: UInt64,
        _ continuation: RangeReader
    ) -> Result<ByteRange, StoreError>? {
        if begun >= count { return .success(ByteRange(length: 0)) }
        if let failure { return .failure(failure) }
        beginners.append(Reader(ticket: ticket, offset: count, continuation: continuation))
        return nil
    }

    mutating func withdrawBeginner(_ ticket: UInt64) -> RangeReader? {
        guard let index = beginners.firstIndex(where: { $0.ticket == ticket }) else { return nil }
        return beginners.remove(at: index).continuation
    }

    /// Those who have waited for no more than has been written.
    mutating func takeBeginners() -> [RangeReader] {
        guard !beginners.isEmpty else { return [] }
        defer { beginners.removeAll { $0.offset <= begun } }
        return beginners.filter { $0.offset <= begun }.map(\.continuation)
    }
}
