package import Content

/// Which bytes are still to be asked of the origin, handed out in segments.
///
/// A pure value.
package struct SegmentPlan: Sendable, Equatable {
    /// Runs of missing bytes, ascending, none touching another.
    private var missing: [ByteRange]
    /// The most bytes asked for in one request.
    private let segmentSize: Int64
    private let layout: PieceLayout

    /// Plans for all pieces of `layout` (whose length is known) that are neither in `committed` nor touched by `taken`.
    package init(layout: PieceLayout, committed: PieceSet, taken: ByteRange?, segmentSize: Int64) {
        self.segmentSize = max(layout.pieceSize, segmentSize - segmentSize % layout.pieceSize)
        self.layout = layout
        missing = []
        let reserved = taken.map { layout.pieces(touching: $0) } ?? 0..<0
        for number in 0..<(layout.pieceCount ?? 0) {
            guard !reserved.contains(number), !committed.contains(PieceIndex(number)),
                let range = layout.range(of: PieceIndex(number))
            else { continue }
            if let last = missing.last, last.end == range.offset {
                missing[missing.count - 1] = ByteRange(last.offset..<range.end)
            } else {
                missing.append(range)
            }
        }
    }

    /// Whether everything has been handed out.
    package var isEmpty: Bool { missing.isEmpty }

    /// The next segment in ascending order, whole pieces of one run; nil when everything has been handed out.
    ///
    /// `wanted`: nothing but these pieces; nil: all.
    package mutating func next(of wanted: PieceSet? = nil) -> ByteRange? {
        for (index, run) in missing.enumerated() {
            guard let part = first(of: wanted, in: run) else { continue }
            let segment = ByteRange(part.offset..<min(part.end, part.offset + segmentSize))
            let rest = [ByteRange(run.offset..<segment.offset), ByteRange(segment.end..<run.end)]
            missing.replaceSubrange(index...index, with: rest.filter { !$0.isEmpty })
            return segment
        }
        return nil
    }

    /// Whether there is anything to hand out of these pieces.
    package func has(_ wanted: PieceSet?) -> Bool { missing.contains { first(of: wanted, in: $0) != nil } }

    /// The first wanted pieces in a run without a gap.
    private func first(of wanted: PieceSet?, in run: ByteRange) -> ByteRange? {
        guard let wanted else { return run }
        for number in layout.pieces(touching: run) where wanted.contains(PieceIndex(number)) {
            let count = wanted.contiguousCount(from: PieceIndex(number))
            let start = Int64(number) * layout.pieceSize
            return ByteRange(start..<min(run.end, start + Int64(count) * layout.pieceSize))
        }
        return nil
    }
}
