import CacheStore
import Content
import Synchronization
import WireAPI

/// A supernode's offer to pass on the content's first bytes as it gets them.
struct OpeningOffer: Sendable {
    let supernode: Parent
    let generation: Generation
    let fetcher: PieceFetcher
}

extension TaskDownload {
    /// Keeps what it takes to ask for the content's first bytes, for the first reader.
    func prepareOpening(
        _ response: TaskRegistrationResponse,
        of supernode: PeerRegistrationResponse,
        _ connection: SupernodeConnection,
        _ fetcher: PieceFetcher
    ) {
        let isSafe = connection.address.protectsPieces(speakingTLS: supernode.piecesTLS == true)
        let ticket = isSafe ? response.openingTicket : nil
        let parent = ticket.map { Self.parent(supernode, connection, ticket: $0) }
        let offer = parent.map { OpeningOffer(supernode: $0, generation: response.generation, fetcher: fetcher) }
        state.withLock { $0.opening = offer }
    }

    /// The content's first bytes (`Opening`) as the supernode gets them from the origin; nil where they do not come before
    /// the first piece.
    ///
    /// Nobody has verified them: a reader must compare them with the first piece, and do without the content's end until
    /// then. One reader of a download gets them.
    package func opening(of head: Head) async -> [UInt8]? {
        guard let offer = state.withLock({ $0.opening.take() }), head.file.committedRun(from: 0).isEmpty else {
            return nil
        }
        return await withTaskGroup(of: [UInt8]?.self) { group in
            group.addTask { await offer.fetcher.opening(of: self.taskID, offer.generation, at: offer.supernode) }
            group.addTask {
                _ = try? await head.file.available(from: 0)
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }
}
