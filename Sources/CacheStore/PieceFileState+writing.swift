internal import Content

/// How bytes come to the disk: gathered into aligned blocks, each of which is written as a whole.
extension PieceFileState {
    /// What becomes of the first bytes of a write.
    struct WriteStep {
        /// How many of the bytes are taken care of.
        var count: Int
        /// What is to be written now, before the rest is looked at.
        var write: PendingWrite?
    }

    /// Something to be written; its piece counts as being written until ``endWrite(_:)``.
    struct PendingWrite {
        let piece: Int
        let range: ByteRange
        /// The gathered bytes; nil stands for those that the step takes care of, as they are.
        let block: WriteBlock?
    }

    private static let mostSpareBlocks = 4

    /// Takes care of the first of `bytes`, which belong at `offset`.
    ///
    /// Bytes of a piece that is committed or being hashed are passed over.
    mutating func nextWrite(
        _ bytes: UnsafeRawBufferPointer,
        at offset: Int64,
        from source: ByteSource
    ) -> Result<WriteStep, StoreError> {
        if let failure { return .failure(failure) }
        let end = offset + Int64(bytes.count)
        if let length = layout.length, end > length {
            return .failure(StoreError(.outOfRange, "byte \(end - 1) is beyond the content's \(length)"))
        }
        let number = layout.piece(at: offset).value
        let pieceEnd = Int64(number + 1) * layout.pieceSize
        let part = UnsafeRawBufferPointer(rebasing: bytes[..<Int(min(end, pieceEnd) - offset)])
        guard !committed.contains(PieceIndex(number)), hashing[number] == nil else {
            return .success(WriteStep(count: part.count))
        }
        if source != .origin {
            mixed.insert(number)
            begun[number] = nil
        }
        if let block = blocks[number] {
            guard block.end == offset else { return .success(WriteStep(count: 0, write: take(block, of: number))) }
            return .success(gather(part, into: block, of: number))
        }
        doubted[PieceIndex(number)] = nil
        foreign.remove(PieceIndex(number))
        let whole = part.count / WriteBlock.size * WriteBlock.size
        if whole > 0, offset % Int64(WriteBlock.size) == 0 {
            writes[number, default: 0] += 1
            let range = ByteRange(offset..<offset + Int64(whole))
            return .success(WriteStep(count: whole, write: PendingWrite(piece: number, range: range, block: nil)))
        }
        let block = spareBlocks.popLast() ?? WriteBlock()
        block.restart(at: offset)
        blocks[number] = block
        return .success(gather(part, into: block, of: number))
    }

    private mutating func gather(_ bytes: UnsafeRawBufferPointer, into block: WriteBlock, of piece: Int) -> WriteStep {
        let count = block.append(bytes)
        return WriteStep(count: count, write: block.isFull ? take(block, of: piece) : nil)
    }

    private mutating func take(_ block: WriteBlock, of piece: Int) -> PendingWrite {
        blocks[piece] = nil
        writes[piece, default: 0] += 1
        return PendingWrite(piece: piece, range: ByteRange(block.offset..<block.end), block: block)
    }

    /// What a piece that is to be hashed still has to write first.
    mutating func takeBlock(of piece: PieceIndex) -> WriteBlock? { blocks.removeValue(forKey: piece.value) }

    /// A block's bytes have been written or are lost.
    mutating func reuse(_ block: WriteBlock) {
        if spareBlocks.count < Self.mostSpareBlocks { spareBlocks.append(block) }
    }

    /// What follows from the end of a write.
    struct EndedWrite {
        /// Whether the piece's hashing has waited for it.
        var isAwaited = false
        /// Who has waited for no more than is written by now.
        var readers: [(RangeReader, ByteRange)] = []
    }

    mutating func endWrite(_ write: PendingWrite, succeeded: Bool) -> EndedWrite {
        var ended = EndedWrite()
        if let block = write.block { reuse(block) }
        if succeeded { ended.readers = advance(write) }
        guard let count = writes[write.piece] else { return ended }
        writes[write.piece] = count == 1 ? nil : count - 1
        ended.isAwaited = count == 1 && deferred.remove(write.piece) != nil
        return ended
    }

    /// Written bytes of a piece that only this node's own fetch has written to go on where others end.
    private mutating func advance(_ write: PendingWrite) -> [(RangeReader, ByteRange)] {
        let (number, range) = (write.piece, write.range)
        guard !mixed.contains(number), !committed.contains(PieceIndex(number)) else { return [] }
        let begun = begun[number] ?? Int64(number) * layout.pieceSize
        guard range.offset <= begun, range.end > begun else { return [] }
        self.begun[number] = range.end
        return takeEarlyReaders(of: number)
    }
}
