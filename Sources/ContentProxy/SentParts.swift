import CacheStore
import Content

/// What has been sent to a client from files of the store, so that whoever goes on can tell whether it was right.
///
/// Bytes go out before the whole is verified, and a file's pieces may be replaced by right ones when they prove wrong: the
/// client then has the wrong ones.
struct SentParts: Sendable {
    private struct Part: Sendable {
        let file: PieceFile
        var range: ByteRange
        /// As they were when they were sent; of a file that can not change: none.
        var checks: [PieceIndex: PieceCheck] = [:]
    }

    /// The content's first bytes, sent before they were in a file.
    private var opening: [UInt8]?
    private var parts: [Part] = []
    /// Whether a piece was being replaced just then.
    private var isBroken = false

    /// These are being sent first, before any file has them.
    mutating func begin(_ opening: [UInt8]) { self.opening = opening }

    /// Whether what was sent first is what a file has there, if it is not known yet.
    ///
    /// Throws where it is not committed there.
    mutating func confirmOpening(by file: PieceFile) throws(StoreError) -> Bool {
        guard let opening else { return true }
        let range = ByteRange(length: Int64(opening.count))
        var confirmed = SentParts()
        // Before they are read: if they are replaced from here on, that shows as with all other parts.
        confirmed.add(range, of: file)
        var bytes = [UInt8](repeating: 0, count: opening.count)
        let read = try Self.read(range, of: file, into: &bytes)
        guard read == opening.count, bytes == opening else { return false }
        self = confirmed
        return true
    }

    private static func read(
        _ range: ByteRange,
        of file: PieceFile,
        into bytes: inout [UInt8]
    ) throws(StoreError) -> Int {
        let result = bytes.withUnsafeMutableBytes { buffer in
            Result { () throws(StoreError) in try file.read(range, into: buffer) }
        }
        return try result.get()
    }

    /// These bytes of a file are being sent.
    mutating func add(_ range: ByteRange, of file: PieceFile) {
        if let last = parts.last, last.file === file, last.range.end == range.offset {
            parts[parts.count - 1].range = ByteRange(last.range.offset..<range.end)
        } else {
            parts.append(Part(file: file, range: range))
        }
        guard !file.isReadOnly else { return }
        for number in file.layout.pieces(touching: range) {
            let piece = PieceIndex(number)
            // The first word counts: of a piece that is sent in two parts both have to be the same piece's.
            guard parts[parts.count - 1].checks[piece] == nil else { continue }
            let check = file.storedCheck(of: piece)
            parts[parts.count - 1].checks[piece] = check
            if check == nil { isBroken = true }
        }
    }

    /// Whether a file that is good as a whole has the bytes that were sent.
    func agree(with file: PieceFile) -> Bool {
        !isBroken && opening == nil
            && parts.allSatisfy { part in
                if part.file === file, file.isReadOnly { return true }
                guard part.file.layout.pieceSize == file.layout.pieceSize else { return false }
                return part.file.layout.pieces(touching: part.range).allSatisfy { number in
                    let piece = PieceIndex(number)
                    let sent = part.file.isReadOnly ? part.file.storedCheck(of: piece) : part.checks[piece]
                    return sent != nil && sent == file.storedCheck(of: piece)
                }
            }
    }

    /// Hashes all of it; nil where the files do not have those bytes any longer.
    func hash(_ algorithm: Digest.Algorithm) async throws(StoreError) -> DigestHasher? {
        if isBroken { return nil }
        var hasher = DigestHasher(algorithm)
        opening?.withUnsafeBytes { hasher.update($0) }
        for part in parts {
            guard let next = try await part.file.hash(part.range, of: part.checks, into: hasher) else { return nil }
            hasher = next
        }
        return hasher
    }
}
