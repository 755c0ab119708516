import Content
import OriginFetch
import TestSupport
import Testing

@Suite struct SegmentPlanTests {
    @Test("Segments cover exactly what is missing, whatever is there already", arguments: 0..<50)
    func coversTheRest(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let layout = PieceLayout(length: Int64.random(in: 1...(64 << 20), using: &random))
        let count = try #require(layout.pieceCount)
        var committed = PieceSet()
        for piece in 0..<count where Bool.random(using: &random) { committed.insert(PieceIndex(piece)) }
        let size = Int64.random(in: 1...(8 << 20), using: &random)
        let parallel = Int.random(in: 1...8, using: &random)
        var plan = SegmentPlan(
            layout: layout,
            committed: committed,
            taken: nil,
            segmentSize: size,
            parallel: parallel
        )
        var covered = PieceSet()
        var last: Int64 = -1
        while let segment = plan.next() {
            #expect(segment.offset > last)
            #expect(!segment.isEmpty)
            #expect(segment.count <= max(layout.pieceSize, size))
            for piece in layout.pieces(touching: segment) {
                let isNew = covered.insert(PieceIndex(piece))
                #expect(isNew)
            }
            last = segment.offset
        }
        #expect(plan.isEmpty)
        #expect(covered == PieceSet(all: count).subtracting(committed))
    }

    @Test("What a response under way brings is left out")
    func leavesOutWhatIsComing() {
        let layout = PieceLayout(length: 32 << 20)
        let plan = SegmentPlan(
            layout: layout,
            committed: [],
            taken: ByteRange(length: 16 << 20),
            segmentSize: 64 << 20,
            parallel: 1
        )
        var rest = plan
        #expect(rest.next() == ByteRange(Int64(16 << 20)..<Int64(32 << 20)))
        #expect(rest.next() == nil)
    }

    @Test("Towards the end segments become smaller, so that requests that run at once end close to each other")
    func guided() {
        let layout = PieceLayout(length: 100 << 20)
        var plan = SegmentPlan(
            layout: layout,
            committed: [],
            taken: ByteRange(length: 16 << 20),
            segmentSize: 16 << 20,
            parallel: 4
        )
        var sizes: [Int64] = []
        while let segment = plan.next() { sizes.append(segment.count) }
        // A quarter of what is left, in pieces of 512 KiB, and 4 MiB at least.
        #expect(sizes.map { $0 >> 19 } == [32, 32, 26, 19, 14, 11, 8, 8, 8, 8, 2])
        #expect(sizes.reduce(0, +) == 84 << 20)
    }

    @Test("Segments are no larger than was said while much is left, and as large over a single connection")
    func most() {
        let layout = PieceLayout(length: 1 << 30)
        var (many, single) = (
            SegmentPlan(layout: layout, committed: [], taken: nil, segmentSize: 16 << 20, parallel: 4),
            SegmentPlan(layout: layout, committed: [], taken: nil, segmentSize: 16 << 20, parallel: 1)
        )
        for _ in 0..<48 { #expect(many.next()?.count == 16 << 20) }
        for _ in 0..<64 { #expect(single.next()?.count == 16 << 20) }
        #expect(single.isEmpty)
    }

    @Test("Of what is wanted everything is handed out once, and nothing else", arguments: 0..<50)
    func onlyWanted(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let layout = PieceLayout(length: Int64.random(in: 1...(64 << 20), using: &random))
        let count = try #require(layout.pieceCount)
        var (committed, wanted) = (PieceSet(), PieceSet())
        for piece in 0..<count where Int.random(in: 0..<4, using: &random) == 0 { committed.insert(PieceIndex(piece)) }
        for piece in 0..<count where Bool.random(using: &random) { wanted.insert(PieceIndex(piece)) }
        let size = Int64.random(in: 1...(8 << 20), using: &random)
        let parallel = Int.random(in: 1...8, using: &random)
        var plan = SegmentPlan(
            layout: layout,
            committed: committed,
            taken: nil,
            segmentSize: size,
            parallel: parallel
        )
        var covered = PieceSet()
        while plan.has(wanted), let segment = plan.next(of: wanted) {
            #expect(segment.count <= max(layout.pieceSize, size))
            for piece in layout.pieces(touching: segment) {
                let isNew = covered.insert(PieceIndex(piece))
                #expect(isNew)
            }
        }
        #expect(covered == wanted.subtracting(committed))
        #expect(plan.next(of: wanted) == nil)
        // The rest is still there for whoever wants all.
        while let segment = plan.next() {
            for piece in layout.pieces(touching: segment) { covered.insert(PieceIndex(piece)) }
        }
        #expect(plan.isEmpty)
        #expect(covered == PieceSet(all: count).subtracting(committed))
    }
}
