package import Content

/// Which bytes are still to be asked of the origin, handed out in segments.
///
/// Requests that run at once come to their ends at about the same time, and whoever reads in order gets the segments behind the
/// first one then. So segments are as large as `segmentSize` while much is left, and towards the end ever smaller: an equal part
/// of the rest (guided self-scheduling, Polychronopoulos and Kuck 1987).
///
/// A pure value.
package struct SegmentPlan: Sendable, Equatable {
    /// Runs of missing bytes, ascending, none touching another.
    private var missing: [ByteRange]
    /// How many bytes `missing` holds.
    private var rest: Int64 = 0
    /// The least and the most bytes asked for in one request, whole pieces.
    private let sizes: ClosedRange<Int64>
    /// Requests that run at once.
    private let parallel: Int
    private let layout: PieceLayout

    /// Plans for all pieces of `layout` (whose length is known) that are neither in `committed` nor touched by `taken`.
    ///
    /// `segmentSize`: the most bytes asked for in one request, but one piece in any case; `parallel`: requests that run at once.
    package init(layout: PieceLayout, committed: PieceSet, taken: ByteRange?, segmentSize: Int64, parallel: Int) {
        let most = layout.wholePieces(segmentSize)
        sizes = min(most, layout.wholePieces(Self.least))...most
        self.parallel = max(1, parallel)
        self.layout = layout
        missing = []
        let reserved = taken.map { layout.pieces(touching: $0) } ?? 0..<0
        for number in 0..<(layout.pieceCount ?? 0) {
            guard !reserved.contains(number), !committed.contains(PieceIndex(number)),
                let range = layout.range(of: PieceIndex(number))
            else { continue }
            rest += range.count
            if let last = missing.last, last.end == range.offset {
                missing[missing.count - 1] = ByteRange(last.offset..<range.end)
            } else {
                missing.append(range)
            }
        }
    }

    /// Smaller ones would cost more for each request than they save.
    private static let least: Int64 = 4 << 20

    /// Whether everything has been handed out.
    package var isEmpty: Bool { missing.isEmpty }

    /// The next segment in ascending order, whole pieces of one run; nil when everything has been handed out.
    ///
    /// `wanted`: nothing but these pieces; nil: all.
    package mutating func next(of wanted: PieceSet? = nil) -> ByteRange? {
        for (index, run) in missing.enumerated() {
            guard let part = first(of: wanted, in: run) else { continue }
            let segment = ByteRange(part.offset..<min(part.end, part.offset + size))
            let others = [ByteRange(run.offset..<segment.offset), ByteRange(segment.end..<run.end)]
            missing.replaceSubrange(index...index, with: others.filter { !$0.isEmpty })
            rest -= segment.count
            return segment
        }
        return nil
    }

    /// Nothing runs beside a single request: there is nobody to leave a part to.
    private var size: Int64 {
        guard parallel > 1 else { return sizes.upperBound }
        return min(sizes.upperBound, max(sizes.lowerBound, layout.wholePieces(rest / Int64(parallel))))
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

extension PieceLayout {
    /// As many bytes in whole pieces, one at least.
    fileprivate func wholePieces(_ count: Int64) -> Int64 { max(pieceSize, count - count % pieceSize) }
}
