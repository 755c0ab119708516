package import Content
internal import Synchronization

extension PieceFile {
    /// Hashes the piece's bytes on one of the store's threads and, where the digest is the expected one, makes them
    /// readable to everybody.
    ///
    /// Returns the digest; nil where none was expected and the piece has the store's code instead. Throws `.digestMismatch`,
    /// and then the piece takes writes again. A piece that is committed already is only compared. Pieces are hashed in parallel.
    @discardableResult
    package func commit(_ piece: PieceIndex, expecting expected: Digest?) async throws(StoreError) -> Digest? {
        let result = await withCheckedContinuation { continuation in
            let waiter = PieceFileState.CommitWaiter(expecting: expected, continuation: continuation)
            switch state.withLock({ $0.beginCommit(piece, waiter) }) {
            case .done(let result): continuation.resume(returning: result)
            case .hash: submitHash(piece)
            case .wait: break
            }
        }
        let digest = try result.get().digest
        guard let expected, digest == nil else { return digest }
        // It was committed before anybody asked for its digest.
        try await makeDigests()
        return try await commit(piece, expecting: expected)
    }

    func submitHash(_ piece: PieceIndex) {
        threads.submit { self.hash(piece, through: $0) }
    }

    private func hash(
        _ piece: PieceIndex,
        through buffer: UnsafeMutableRawBufferPointer
    ) -> WorkerThreads.Report {
        // With every thread busy, one pass over the bytes for both digests costs less than two.
        let fuse = threads.isSaturated
        let (block, range, lent, makesDigest) = state.withLock { state in
            (
                state.takeBlock(of: piece), state.layout.range(of: piece),
                fuse ? state.lendContentHash(for: piece) : nil, state.makesDigests
            )
        }
        var content = lent
        let result: Result<PieceCheck, StoreError>
        do throws(StoreError) {
            if let block {
                defer { state.withLock { $0.reuse(block) } }
                try write(block)
                faults.hit("written")
            }
            guard let range else { throw StoreError(.outOfRange, "piece \(piece) is beyond the content's end") }
            var hasher = PieceHasher(makesDigest ? nil : codes)
            try FileAccess.scan(range, of: descriptor, through: buffer) {
                hasher.update($0)
                content?.update($0)
            }
            result = .success(hasher.finalize())
        } catch {
            result = .failure(error)
        }
        return finish(piece, range, result, lent: lent, content: content)
    }

    private func finish(
        _ piece: PieceIndex,
        _ range: ByteRange?,
        _ result: Result<PieceCheck, StoreError>,
        lent: DigestHasher?,
        content: DigestHasher?
    ) -> WorkerThreads.Report {
        var accepted = false
        if case .success(let check) = result, let range {
            accepted = state.withLock { $0.accepts(check, for: piece) }
            faults.hit("hashed")
            if accepted { journal?.committed(piece, check, byteCount: range.count) }
            faults.hit("journaled")
        }
        let (outcome, ended) = state.withLock { state in
            let outcome = state.endCommit(piece, result, accepted: accepted)
            guard let lent, let content, let range else { return (outcome, EndedContentHash?.none) }
            let ended =
                accepted
                ? state.returnContentHash(content, at: range.end) : state.returnContentHash(lent, at: range.offset)
            return (outcome, ended)
        }
        if accepted, case .success(let check) = result {
            for observer in outcome.observers { observer(piece, check) }
        }
        for algorithm in contentAlgorithms { followContent(algorithm) }
        return {
            for (reader, range) in outcome.readers { reader.resume(returning: .success(.committed(range))) }
            for (waiter, result) in outcome.waiters { waiter.resume(returning: result) }
            ended?.resume()
        }
    }

    // MARK: The whole content

    var contentAlgorithms: [Digest.Algorithm] {
        state.withLock { $0.contents.filter { $0.result == nil }.map(\.algorithm) }
    }

    /// Hashes the content behind the gapless beginning from now on.
    package func startContentHash(_ algorithm: Digest.Algorithm) {
        state.withLock { state in
            guard !state.contents.contains(where: { $0.algorithm == algorithm }) else { return }
            state.contents.append(ContentHash(algorithm))
        }
        followContent(algorithm)
    }

    /// The digest of the whole content.
    ///
    /// Little is left to do where the file was created to follow it (`contentHash`). Throws `.outOfRange` unless the file
    /// is whole.
    package func contentDigest(_ algorithm: Digest.Algorithm? = nil) async throws(StoreError) -> Digest {
        guard isWhole else { throw StoreError(.outOfRange, "the content is not whole") }
        let algorithm = algorithm ?? state.withLock { $0.contents.first?.algorithm } ?? .sha256
        startContentHash(algorithm)
        let result = await withCheckedContinuation { continuation in
            let known: Result<Digest, StoreError>? = state.withLock { state in
                guard let index = state.contents.firstIndex(where: { $0.algorithm == algorithm }) else { return nil }
                if let result = state.contents[index].result { return result }
                state.contents[index].waiters.append(continuation)
                return nil
            }
            if let known { continuation.resume(returning: known) }
        }
        return try result.get()
    }

    /// Queues the next part of the content for its hasher, if there is one and nobody has it.
    func followContent(_ algorithm: Digest.Algorithm) {
        guard let (hasher, range) = state.withLock({ $0.lendContentHash(algorithm, atMost: Self.stride) })
        else { return }
        // Only one thread at a time can hash the content, all others the pieces: it must not be the last to end.
        threads.submit(first: true) { buffer in
            var hasher = hasher
            let ended: EndedContentHash?
            do throws(StoreError) {
                try FileAccess.scan(range, of: self.descriptor, through: buffer) { hasher.update($0) }
                ended = self.state.withLock { $0.returnContentHash(hasher, at: range.end) }
            } catch {
                ended = self.state.withLock { $0.failContentHash(algorithm, error) }
            }
            self.followContent(algorithm)
            return { ended?.resume() }
        }
    }

    /// How much of the content is hashed before others get their turn.
    private static let stride: Int64 = 8 << 20
}
