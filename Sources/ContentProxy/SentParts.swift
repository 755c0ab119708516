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

    /// Bytes behind those of the parts, sent before a file had them committed.
    private struct Early: Sendable {
        /// What has them, right or not; nil: no file.
        var file: PieceFile?
        var range: ByteRange
        var hasher: DigestHasher
    }

    private let algorithm: Digest.Algorithm
    private var early: Early?
    private var parts: [Part] = []
    /// Whether a piece was being replaced just then.
    private var isBroken = false

    /// `algorithm`: that of the content's digest.
    init(_ algorithm: Digest.Algorithm = .sha256) { self.algorithm = algorithm }

    /// These bytes behind all others are being sent early; `file` has them, but not committed.
    mutating func add(early bytes: UnsafeRawBufferPointer, at offset: Int64, of file: PieceFile?) {
        var early = early ?? Early(range: ByteRange(offset..<offset), hasher: DigestHasher(algorithm))
        early.file = file
        early.range = ByteRange(early.range.offset..<offset + Int64(bytes.count))
        early.hasher.update(bytes)
        self.early = early
    }

    /// Whether what was sent early is what a file has there, if that is not known yet.
    ///
    /// Throws where it is not committed there.
    mutating func confirmEarly(by file: PieceFile) async throws(StoreError) -> Bool {
        guard let early else { return true }
        guard file.committedRun(from: early.range.offset).contains(early.range) else {
            throw StoreError(.outOfRange, "bytes \(early.range) are not committed")
        }
        var confirmed = self
        confirmed.early = nil
        // Before they are read: if they are replaced from here on, that shows as with all other parts.
        confirmed.add(early.range, of: file)
        let expected = early.hasher.finalize()
        guard try await file.hash(early.range, expecting: expected, into: DigestHasher(algorithm)) != nil else {
            return false
        }
        self = confirmed
        return true
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
        !isBroken && early == nil
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
        for part in parts {
            guard let next = try await part.file.hash(part.range, of: part.checks, into: hasher) else { return nil }
            hasher = next
        }
        guard let early else { return hasher }
        if parts.isEmpty, algorithm == self.algorithm { return early.hasher }
        return try await early.file?.hash(early.range, expecting: early.hasher.finalize(), into: hasher)
    }
}
