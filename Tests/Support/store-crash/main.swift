// Runs one scenario in a store and kills itself at the named step, for the tests of what survives.
//
// store-crash DIRECTORY SCENARIO STEP COUNT
import CacheStore
import Content
import Glibc
import Logging
import NodeConfig
import Synchronization

/// Kills the process at the `count`th time that `step` is reached.
final class Fuse: Sendable {
    private let step: String
    private let left: Mutex<Int>

    init(step: String, count: Int) {
        self.step = step
        left = Mutex(count)
    }

    func reach(_ name: StaticString) {
        guard "\(name)" == step else { return }
        let burns = left.withLock { left in
            left -= 1
            return left == 0
        }
        if burns { kill(getpid(), SIGKILL) }
    }
}

/// The content of the scenario's task: the tests make the same.
func content(_ name: String, _ count: Int) -> [UInt8] {
    let block = (0..<127).flatMap { Digest.of("\(name) \($0)").bytes }
    var bytes: [UInt8] = []
    while bytes.count < count { bytes += Digest.of("\(name) at \(bytes.count)").bytes + block }
    return Array(bytes[..<count])
}

func task(_ name: String) -> TaskID { TaskID(url: "http://origin/\(name)") }

let size = 1_500_000

func fill(_ file: PieceFile, _ bytes: [UInt8], isNamed: Bool = true) async throws {
    for piece in 0..<(file.layout.pieceCount ?? 0) {
        guard let range = file.layout.range(of: PieceIndex(piece)) else { continue }
        let part = Array(bytes[Int(range.offset)..<Int(range.end)])
        try part.withUnsafeBytes { try file.write($0, at: range.offset) }
        try await file.commit(PieceIndex(piece), expecting: isNamed ? Digest.of(part) : nil)
    }
}

func store(_ name: String, in store: CacheStore, sameAs other: String? = nil, isNamed: Bool) async throws {
    let bytes = content(other ?? name, size)
    let file = try store.create(
        task(name),
        generation: Generation(length: nil, nonce: [1]),
        layout: PieceLayout(length: Int64(size)),
        metadata: Array(name.utf8),
        contentHash: .sha256
    )
    try await fill(file, bytes, isNamed: isNamed)
    try await store.complete(file, expecting: [Digest.of(bytes)], hashContent: true)
}

func run(_ arguments: [String]) async throws {
    guard arguments.count == 5, let count = Int(arguments[4]) else { fatalError("wrong arguments") }
    let (directory, scenario) = (arguments[1], arguments[2])
    let fuse = Fuse(step: arguments[3], count: count)
    let faults = FaultPoints { fuse.reach($0) }
    if scenario == "target" {
        let target = try await TargetFile.open(
            path: directory + "/out",
            task: task("a"),
            generation: Generation(length: nil, nonce: [1]),
            layout: PieceLayout(length: Int64(size)),
            threads: WorkerThreads(count: 2),
            faults: faults
        )
        try await fill(target.file, content("a", size))
        try target.finish()
        return
    }
    let logger = Logger(label: "store-crash") { _ in SwiftLogNoOpLogHandler() }
    var configuration = StoreConfiguration(directory: directory, freeSpaceFloor: .init(bytes: 0))
    if scenario == "evict" { configuration.quota = .init(bytes: 4_000_000) }
    configuration.servesPieces = scenario != "alone"
    let cache = try await CacheStore.open(configuration, logger: logger, faults: faults)
    for name in ["a", "b", "c", "d"] {
        try await store(name, in: cache, isNamed: configuration.servesPieces)
        // Else it depends on the disk how many are evicted before they have settled.
        if scenario == "evict" { await cache.settled() }
    }
    try await store("same", in: cache, sameAs: "d", isNamed: configuration.servesPieces)
    // The same of what is removed.
    await cache.settled()
    cache.remove(task("b"))
    await cache.close()
    fuse.reach("closed")
}

do {
    try await run(CommandLine.arguments)
} catch {
    print("failed: \(error)")
    exit(1)
}
