package import Content
internal import Synchronization

/// For whoever has handed out bytes of the file already, and has to know whether they were the right ones.
extension PieceFile {
    /// The committed bytes from `offset` on without a gap, as far as they are here now, whatever has become of the download
    /// that fills the file.
    package func committedRun(from offset: Int64) -> ByteRange { state.withLock { $0.run(from: offset) } }

    /// The digest of a piece's bytes as they are in the file, whether or not they are in doubt; nil where it was never
    /// committed, or has been written to since.
    package func storedDigest(of piece: PieceIndex) -> Digest? {
        state.withLock { $0.digests[piece] ?? $0.doubted[piece] }
    }

    /// Hashes bytes on one of the store's threads, where they belong to pieces that have these digests before and after.
    ///
    /// Returns the hasher behind them; nil where they are others by now.
    package func hash(
        _ range: ByteRange,
        of digests: [PieceIndex: Digest],
        into hasher: DigestHasher
    ) async throws(StoreError) -> DigestHasher? {
        var hasher = hasher
        for number in layout.pieces(touching: range) {
            let piece = PieceIndex(number)
            guard let part = layout.range(of: piece)?.intersection(range) else { return nil }
            // One piece at a time: others want their turn, too.
            hasher = try await hash(part, into: hasher)
            guard isReadOnly || digests[piece] != nil && digests[piece] == storedDigest(of: piece) else { return nil }
        }
        return hasher
    }

    private func hash(_ range: ByteRange, into hasher: DigestHasher) async throws(StoreError) -> DigestHasher {
        let result = await threads.run { buffer -> Result<DigestHasher, StoreError> in
            var hasher = hasher
            do throws(StoreError) {
                try FileAccess.scan(range, of: self.descriptor, through: buffer) { hasher.update($0) }
                return .success(hasher)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}
