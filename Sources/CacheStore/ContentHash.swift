internal import Content

/// The digest of the whole content, computed behind the gapless beginning of a file.
struct ContentHash {
    let algorithm: Digest.Algorithm
    /// Nil while a thread has it.
    var hasher: DigestHasher?
    /// The bytes that went in.
    var offset: Int64 = 0
    var result: Result<Digest, StoreError>?
    var waiters: [PieceFileState.DigestWaiter] = []

    /// The bytes have become doubtful while a thread had the hasher: what it brings back is worthless.
    var isVoid = false

    init(_ algorithm: Digest.Algorithm) {
        self.algorithm = algorithm
        hasher = DigestHasher(algorithm)
    }

    /// Begins at the first byte again; who waits goes on waiting.
    mutating func restart() {
        let (lent, waiters) = (hasher == nil && result == nil, waiters)
        self = ContentHash(algorithm)
        self.waiters = waiters
        guard lent else { return }
        hasher = nil
        isVoid = true
    }
}

/// The digest of a content that is done, and who waits for it.
struct EndedContentHash {
    let waiters: [PieceFileState.DigestWaiter]
    let result: Result<Digest, StoreError>

    func resume() {
        for waiter in waiters { waiter.resume(returning: result) }
    }
}

extension PieceFileState {
    /// Lends the hasher of `algorithm` where there is something for it to read: the bytes that it takes next.
    mutating func lendContentHash(_ algorithm: Digest.Algorithm, atMost limit: Int64) -> (DigestHasher, ByteRange)? {
        guard let index = contents.firstIndex(where: { $0.algorithm == algorithm }),
            contents[index].result == nil, let hasher = contents[index].hasher
        else { return nil }
        let offset = contents[index].offset
        let end = min(prefixEnd, offset + limit)
        guard offset < end || layout.length == offset else { return nil }
        contents[index].hasher = nil
        return (hasher, ByteRange(offset..<end))
    }

    /// Lends the hasher that waits for just this piece, so that its bytes are read only once.
    mutating func lendContentHash(for piece: PieceIndex) -> DigestHasher? {
        guard piece.value == prefix,
            let index = contents.firstIndex(where: { $0.offset == prefixEnd && $0.result == nil }),
            let hasher = contents[index].hasher
        else { return nil }
        contents[index].hasher = nil
        return hasher
    }

    /// Takes a hasher back; returns who waits for the digest if that was the end.
    mutating func returnContentHash(
        _ hasher: DigestHasher,
        at offset: Int64
    )
        -> EndedContentHash?
    {
        guard let index = contents.firstIndex(where: { $0.algorithm == hasher.algorithm }) else { return nil }
        guard !contents[index].isVoid else {
            contents[index].isVoid = false
            contents[index].hasher = DigestHasher(hasher.algorithm)
            return nil
        }
        contents[index].hasher = hasher
        contents[index].offset = offset
        guard offset == layout.length else { return nil }
        return finishContentHash(at: index, .success(hasher.finalize()))
    }

    mutating func failContentHash(
        _ algorithm: Digest.Algorithm,
        _ error: StoreError
    )
        -> EndedContentHash?
    {
        guard let index = contents.firstIndex(where: { $0.algorithm == algorithm }) else { return nil }
        return finishContentHash(at: index, .failure(error))
    }

    private mutating func finishContentHash(
        at index: Int,
        _ result: Result<Digest, StoreError>
    )
        -> EndedContentHash
    {
        contents[index].result = result
        defer { contents[index].waiters = [] }
        return EndedContentHash(waiters: contents[index].waiters, result: result)
    }
}
