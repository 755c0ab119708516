package import Content
internal import Synchronization

/// For whoever has handed out bytes of the file already, and has to know whether they were the right ones.
extension PieceFile {
    /// The committed bytes from `offset` on without a gap, as far as they are here now, whatever has become of the download
    /// that fills the file.
    package func committedRun(from offset: Int64) -> ByteRange { state.withLock { $0.run(from: offset) } }

    /// The check of a piece's bytes as they are in the file, whether or not they are in doubt; nil where it was never
    /// committed, or has been written to since.
    package func storedCheck(of piece: PieceIndex) -> PieceCheck? {
        state.withLock { $0.check(of: piece) }
    }

    /// Hashes bytes on one of the store's threads, where they belong to pieces that have these checks before and after.
    ///
    /// Returns the hasher behind them; nil where they are others by now.
    package func hash(
        _ range: ByteRange,
        of checks: [PieceIndex: PieceCheck],
        into hasher: DigestHasher
    ) async throws(StoreError) -> DigestHasher? {
        var hasher = hasher
        for number in layout.pieces(touching: range) {
            let piece = PieceIndex(number)
            guard let part = layout.range(of: piece)?.intersection(range) else { return nil }
            // One piece at a time: others want their turn, too.
            hasher = try await hash(part, into: hasher)
            guard isReadOnly || checks[piece] != nil && checks[piece] == storedCheck(of: piece) else { return nil }
        }
        return hasher
    }

    /// Hashes bytes on one of the store's threads, committed or not, where they have this digest.
    ///
    /// Returns the hasher behind them; nil where they are others.
    package func hash(
        _ range: ByteRange,
        expecting digest: Digest,
        into hasher: DigestHasher
    ) async throws(StoreError) -> DigestHasher? {
        let result = await threads.run { buffer -> Result<DigestHasher?, StoreError> in
            var (hasher, found) = (hasher, DigestHasher(digest.algorithm))
            do throws(StoreError) {
                try FileAccess.scan(range, of: self.descriptor, through: buffer) {
                    hasher.update($0)
                    found.update($0)
                }
                return .success(found.finalize() == digest ? hasher : nil)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
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
