package import Content

/// Which bytes are still to be asked of the origin, handed out in segments.
///
/// A pure value.
package struct SegmentPlan: Sendable, Equatable {
    /// Runs of missing bytes, ascending, none touching another.
    private var missing: [ByteRange]
    /// The most bytes asked for in one request.
    private let segmentSize: Int64

    /// Plans for all pieces of `layout` (whose length is known) that are neither in `committed` nor touched by `taken`.
    package init(layout: PieceLayout, committed: PieceSet, taken: ByteRange?, segmentSize: Int64) {
        self.segmentSize = max(layout.pieceSize, segmentSize - segmentSize % layout.pieceSize)
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
    package mutating func next() -> ByteRange? {
        guard let first = missing.first else { return nil }
        let segment = ByteRange(first.offset..<min(first.end, first.offset + segmentSize))
        if segment.end == first.end {
            missing.removeFirst()
        } else {
            missing[0] = ByteRange(segment.end..<first.end)
        }
        return segment
    }
}
