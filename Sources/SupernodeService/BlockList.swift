import Synchronization

/// The nodes that are given to nobody as parents, as long as the process runs.
///
/// Its lock is the last one to be taken: it may be asked while any other is held.
final class BlockList: Sendable {
    struct Block: Sendable {
        var reason: String?
        var since: ContinuousClock.Instant
    }

    private let blocks = Mutex<[NodeAddress: Block]>([:])

    /// Returns whether that says anything new; nil, and adds nothing, where `most` are blocked already.
    ///
    /// One that is blocked gets the new reason.
    func add(_ node: NodeAddress, _ block: Block, most: Int) -> Bool? {
        blocks.withLock { blocks in
            let known = blocks[node]
            guard known != nil || blocks.count < most else { return nil }
            blocks[node] = Block(reason: block.reason, since: known?.since ?? block.since)
            return known == nil || known?.reason != block.reason
        }
    }

    /// Returns whether it was blocked.
    func remove(_ node: NodeAddress) -> Bool { blocks.withLock { $0.removeValue(forKey: node) != nil } }

    func contains(_ node: NodeAddress) -> Bool { blocks.withLock { $0[node] != nil } }

    var all: [NodeAddress: Block] { blocks.withLock { $0 } }
}
