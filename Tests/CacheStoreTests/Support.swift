import CacheStore
import Content
import Foundation
import Logging
import NodeConfig

/// A directory that goes when the body has ended.
func withDirectory<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    let path = NSTemporaryDirectory() + "darter-store-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try await body(path)
}

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

func openStore(
    _ directory: String,
    quota: Int64? = nil,
    floor: Int64 = 0,
    servesPieces: Bool = true,
    faults: FaultPoints = .none
) async throws
    -> CacheStore
{
    try await CacheStore.open(
        StoreConfiguration(
            directory: directory,
            quota: quota.map { ByteCount(bytes: $0) },
            freeSpaceFloor: ByteCount(bytes: floor),
            servesPieces: servesPieces
        ),
        logger: quiet,
        faults: faults
    )
}

/// Bytes that differ for every seed and every block of 4 KiB.
func sample(_ count: Int, seed: some CustomStringConvertible = 1) -> [UInt8] {
    let block = (0..<127).flatMap { Digest.of("\(seed) \($0)").bytes }
    var bytes: [UInt8] = []
    while bytes.count < count { bytes += Digest.of("\(seed) at \(bytes.count)").bytes + block }
    return Array(bytes[..<count])
}

func taskID(_ name: String) -> TaskID { TaskID(url: "http://origin/\(name)") }

func generation(_ number: UInt8 = 1) -> Generation { Generation(length: nil, nonce: [number]) }

extension PieceFile {
    func write(_ bytes: [UInt8], at offset: Int64, from source: ByteSource = .other) throws {
        try bytes.withUnsafeBytes { try write($0, at: offset, from: source) }
    }

    /// Those of the bytes that arrived early; nil where they are not to be had.
    func early(_ range: ByteRange) throws -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: Int(range.count))
        let count = try bytes.withUnsafeMutableBytes { try readEarly(range, into: $0) }
        return count.map { Array(bytes[..<$0]) }
    }

    /// Writes and commits the piece of `content`; `isNamed`: as one whose digest is known before.
    func fill(_ piece: Int, of content: [UInt8], isNamed: Bool = true) async throws {
        guard let range = layout.range(of: PieceIndex(piece)) else { throw StoreError(.outOfRange, "no such piece") }
        let bytes = Array(content[Int(range.offset)..<Int(min(range.end, Int64(content.count)))])
        try write(bytes, at: range.offset)
        try await commit(PieceIndex(piece), expecting: isNamed ? Digest.of(bytes) : nil)
    }

    func fill(_ content: [UInt8], isNamed: Bool = true) async throws {
        for piece in 0..<(layout.pieceCount ?? 0) { try await fill(piece, of: content, isNamed: isNamed) }
    }

    func readCommitted(_ range: ByteRange) async throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Int(range.count))
        let count = try bytes.withUnsafeMutableBytes { try read(range, into: $0) }
        return Array(bytes[..<count])
    }

    /// All bytes as a reader gets them, in order, waiting for what is not there yet.
    func readAll() async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let range = try await available(from: Int64(bytes.count))
            if range.isEmpty { return bytes }
            var part = [UInt8](repeating: 0, count: Int(range.count))
            let count = try part.withUnsafeMutableBytes { try read(range, into: $0) }
            bytes += part[..<count]
        }
    }
}

extension CacheStore {
    /// A complete task with this content.
    @discardableResult
    func put(_ name: String, _ content: [UInt8], isNamed: Bool = true) async throws -> Digest? {
        let file = try create(
            taskID(name),
            generation: generation(),
            layout: PieceLayout(length: Int64(content.count)),
            metadata: [],
            contentHash: .sha256
        )
        try await file.fill(content, isNamed: isNamed)
        return try await complete(file, expecting: [], hashContent: true)
    }
}

func code(_ body: () async throws -> Void) async -> StoreError.Code? {
    do {
        try await body()
        return nil
    } catch {
        return (error as? StoreError)?.code
    }
}
