package import Content

/// A task as the API lists it: no request header, no credential.
package struct TaskListing: Sendable, Codable {
    package var task: TaskID
    package var generation: Generation?
    /// The URL of the first source without its query.
    package var url: String?
    package var digest: Digest?
    package var state: String
    package var error: WireError?
    package var length: Int64?
    package var pieceSize: Int64?
    package var pieces: Int?
    package var piecesHeld: Int
    package var bytesHeld: Int64
    package var peers: Int

    package init(task: TaskID, state: String) {
        self.task = task
        self.state = state
        piecesHeld = 0
        bytesHeld = 0
        peers = 0
    }
}

/// A peer as the API lists it.
package struct PeerListing: Sendable, Codable {
    package var peer: PeerID
    package var name: String
    package var address: String
    package var labels: [String: String]
    package var uploadSlots: Int
    package var tasks: Int
    package var silentSeconds: Double
    package var state: PeerState
    /// How long a quarantine goes on at most.
    package var quarantineSeconds: Double?
    /// What was said when it was blocked.
    package var blockReason: String?
    /// What children have said lately, each kind once.
    package var complaints: [ComplaintListing]
    /// In how many tasks its pieces take much longer than usual.
    package var slowTasks: Int

    package init(
        peer: PeerID,
        name: String,
        address: String,
        labels: [String: String],
        uploadSlots: Int,
        tasks: Int,
        silentSeconds: Double,
        state: PeerState,
        quarantineSeconds: Double? = nil,
        blockReason: String? = nil,
        complaints: [ComplaintListing] = [],
        slowTasks: Int = 0
    ) {
        self.peer = peer
        self.name = name
        self.address = address
        self.labels = labels
        self.uploadSlots = uploadSlots
        self.tasks = tasks
        self.silentSeconds = silentSeconds
        self.state = state
        self.quarantineSeconds = quarantineSeconds
        self.blockReason = blockReason
        self.complaints = complaints
        self.slowTasks = slowTasks
    }
}

/// A list in the API.
package struct Listing<Item: Sendable & Codable>: Sendable, Codable {
    package var items: [Item]

    package init(_ items: [Item]) { self.items = items }
}

/// The answer to putting a file into a supernode's store.
package struct PutResponse: Sendable, Codable {
    package var digest: Digest
    package var length: Int64

    package init(digest: Digest, length: Int64) {
        self.digest = digest
        self.length = length
    }
}

/// The pieces of one generation that a node holds.
package struct Holdings: Sendable, Codable {
    package var length: Int64?
    package var pieceSize: Int64
    package var pieces: PieceSet

    package init(length: Int64?, pieceSize: Int64, pieces: PieceSet) {
        self.length = length
        self.pieceSize = pieceSize
        self.pieces = pieces
    }
}

/// Where the bytes of a download came from.
package struct ByteOrigins: Sendable, Codable, Hashable {
    package var origin: Int64
    package var supernode: Int64
    package var peers: Int64
    /// Bytes that were on this node before.
    package var cache: Int64

    package init(origin: Int64 = 0, supernode: Int64 = 0, peers: Int64 = 0, cache: Int64 = 0) {
        self.origin = origin
        self.supernode = supernode
        self.peers = peers
        self.cache = cache
    }

    /// All bytes.
    package var total: Int64 { origin + supernode + peers + cache }
}
