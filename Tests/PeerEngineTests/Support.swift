import BackendAPI
import CacheStore
import Content
import Logging
import NodeConfig
import OriginFetch
import Synchronization
import TestSupport
import Testing
import WireAPI

@testable import PeerEngine

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

func withStore(_ body: (CacheStore) async throws -> Void) async throws {
    try await withTemporaryDirectory { directory in
        var place = StoreConfiguration()
        place.directory = directory
        place.freeSpaceFloor = ByteCount(bytes: 0)
        let store = try await CacheStore.open(place, logger: quiet)
        try await body(store)
        await store.close()
    }
}

/// A download that no engine runs: its state is set and looked at directly.
struct Idle {
    let download: TaskDownload
    let file: PieceFile
    let bytes: [UInt8]
    let supernode: PeerRegistrationResponse

    var generation: Generation { file.generation }
    var layout: PieceLayout { PieceLayout(length: Int64(bytes.count)) }
    var head: TaskDownload.Head {
        get async throws { try await download.head() }
    }

    func digest(_ piece: Int) throws -> Digest {
        let range = try #require(layout.range(of: PieceIndex(piece)))
        return Digest.of(Array(bytes[Int(range.offset)..<Int(range.end)]))
    }

    /// Writes and commits a piece; of other bytes if it is to be wrong.
    func commit(_ piece: Int, wrong: Bool = false) async throws {
        let range = try #require(layout.range(of: PieceIndex(piece)))
        let part =
            wrong ? Array(repeating: 0, count: Int(range.count)) : Array(bytes[Int(range.offset)..<Int(range.end)])
        try part.withUnsafeBytes { try file.write($0, at: range.offset) }
        _ = try await file.commit(PieceIndex(piece), expecting: nil)
    }

    func update(
        _ pieces: [Int] = [],
        manifest: [Int] = [],
        cancelled: [Int] = [],
        parents: [Int] = [0, 1]
    ) throws -> TaskUpdate {
        var update = TaskUpdate(task: download.taskID, generation: generation)
        update.parents = [
            TaskUpdate.Parent(peer: supernode.supernode, url: "", ticket: "t0"),
            TaskUpdate.Parent(peer: supernode.peer, url: "http://127.0.0.1:1", ticket: "t1"),
        ]
        update.assignments = try pieces.map {
            TaskUpdate.Assignment(piece: PieceIndex($0), digest: try digest($0), parents: parents)
        }
        if !manifest.isEmpty {
            var digests: [PieceIndex: Digest] = [:]
            for piece in manifest { digests[PieceIndex(piece)] = try digest(piece) }
            update.manifest = ManifestEntries(digests)
        }
        update.cancelled = cancelled.map { PieceIndex($0) }
        return update
    }

    /// A parent has been asked for a piece.
    func start(_ piece: Int, _ cancellation: Cancellation) {
        download.state.withLock { $0.active[PieceIndex(piece)] = PieceTransfer(cancellation) }
    }
}

func withIdleDownload(
    _ count: Int = 3 << 20,
    knowsLength: Bool = true,
    begins: Bool = true,
    isLazy: Bool = false,
    _ body: (Idle) async throws -> Void
) async throws {
    try await withStore { store in
        let bytes = randomBytes(count, seed: 1)
        let url = try #require(ResourceURL("http://origin/file"))
        let request = DownloadRequest(resource: Resource(url: url), isLazy: isLazy)
        let task = try #require(request.taskID)
        let place = StoredDestination(store: store, task: task)
        let download = TaskDownload(
            request,
            taskID: task,
            destination: place,
            configuration: PeerEngineConfiguration(),
            logger: quiet
        )
        let record = OriginRecord(url: url, digest: nil, openAccess: true)
        let generation = Generation(length: Int64(count), validator: "\"v\"")
        let length = knowsLength ? Int64(count) : nil
        let layout = try #require(
            PieceLayout(length: length, pieceSize: PieceLayout(length: Int64(count)).pieceSize)
        )
        let file = try place.open(record, generation: generation, layout: layout)
        if begins { download.begin(file, record, generation: generation) }
        let supernode = PeerRegistrationResponse(
            version: 1,
            peer: PeerID(),
            key: String(repeating: "0", count: 64),
            supernode: PeerID(),
            piecesPort: 8001,
            aliveSeconds: 60,
            address: "127.0.0.1"
        )
        try await body(Idle(download: download, file: file, bytes: bytes, supernode: supernode))
    }
}
