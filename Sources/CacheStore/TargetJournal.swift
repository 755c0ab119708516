internal import Content
internal import Glibc
internal import Synchronization

/// Appends to the state file of a ``TargetFile``.
final class TargetJournal: PieceJournal {
    private let descriptor: Int32
    /// The bytes of whole records; behind them a failed append may have left a part of one.
    private let end = Mutex<Int64>(0)

    /// Replaces the state file by one with what is known.
    init(path: String, _ saved: SavedTarget) throws(StoreError) {
        let new = path + ".new"
        descriptor = try FileAccess.open(new, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW)
        var bytes = TargetRecord.header(saved).bytes
        for (piece, digest) in saved.pieces { bytes += TargetRecord.piece(piece, digest).bytes }
        do throws(StoreError) {
            try append(bytes)
            guard rename(new, path) == 0 else { throw .system("rename \(new)") }
        } catch {
            unlink(new)
            throw error
        }
    }

    deinit { close(descriptor) }

    private func append(_ bytes: [UInt8]) throws(StoreError) {
        try end.withLock { end throws(StoreError) in
            let result = bytes.withUnsafeBytes { bytes in
                Result { () throws(StoreError) in try FileAccess.write(bytes, at: end, to: descriptor) }
            }
            try result.get()
            end += Int64(bytes.count)
        }
    }

    func reserve(upTo end: Int64) throws(StoreError) {}

    /// A record that can not be written costs the next run a piece, this one nothing.
    func committed(_ piece: PieceIndex, _ check: PieceCheck, byteCount: Int64) {
        guard let digest = check.digest else { return }
        try? append(TargetRecord.piece(piece, digest).bytes)
    }

    func learned(length: Int64) { try? append(TargetRecord.length(length).bytes) }

    func closed() {}
}
