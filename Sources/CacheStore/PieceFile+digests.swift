internal import Content
internal import Synchronization

/// For those who are asked for pieces: of content that only this node needed so far there are codes in the digests' place.
extension PieceFile {
    /// Makes the digests of the pieces that are committed or in doubt, and from now on those of all others.
    ///
    /// Throws `.corrupt` where bytes are not those that were committed; then they are not served any longer.
    package func makeDigests() async throws(StoreError) {
        let codes = state.withLock { $0.startDigests() }
        let outcome = await withTaskGroup(of: Result<Void, StoreError>.self) { group in
            for (piece, code) in codes {
                group.addTask {
                    await self.threads.run { buffer in
                        Result { () throws(StoreError) in try self.makeDigest(of: piece, code, through: buffer) }
                    }
                }
            }
            var outcome: Result<Void, StoreError> = .success(())
            for await result in group { if case .failure = result { outcome = result } }
            return outcome
        }
        try outcome.get()
    }

    private func makeDigest(
        of piece: PieceIndex,
        _ code: PieceCheck,
        through buffer: UnsafeMutableRawBufferPointer
    ) throws(StoreError) {
        guard let range = layout.range(of: piece) else { return }
        var (codes, digests) = (PieceHasher(codes), PieceHasher(nil))
        try FileAccess.scan(range, of: descriptor, through: buffer) {
            codes.update($0)
            digests.update($0)
        }
        let digest = digests.finalize()
        let isSame = codes.finalize() == code
        let isCurrent = state.withLock { state in
            isSame ? state.replace(code, of: piece, by: digest) : state.check(of: piece) == code
        }
        // It has been given up or written anew meanwhile.
        guard isCurrent else { return }
        guard isSame else {
            if let journal = journal as? StoreJournal {
                journal.store.doubt(journal.object, "piece \(piece) is not what was committed")
            }
            throw StoreError(.corrupt, "piece \(piece) is not what was committed")
        }
        journal?.committed(piece, digest, byteCount: 0)
    }
}

extension PieceFileState {
    /// The pieces that have codes.
    mutating func startDigests() -> [PieceIndex: PieceCheck] {
        makesDigests = true
        return checks.merging(doubted) { committed, _ in committed }.filter { $0.value.digest == nil }
    }

    /// What a piece was committed with, in doubt or not.
    func check(of piece: PieceIndex) -> PieceCheck? { checks[piece] ?? doubted[piece] }

    /// Returns whether the piece had that check still.
    mutating func replace(_ old: PieceCheck, of piece: PieceIndex, by new: PieceCheck) -> Bool {
        if checks[piece] == old {
            checks[piece] = new
        } else if doubted[piece] == old {
            doubted[piece] = new
        } else {
            return false
        }
        return true
    }
}
