import Content
import FoundationEssentials
import TestSupport
import Testing

@Suite struct PieceLayoutTests {
    @Test(
        "The smallest power of two that gives at most 256 pieces",
        arguments: [
            (0, 0, 256 << 10), (1, 1, 256 << 10), (256 << 10, 1, 256 << 10),
            (262_145, 2, 256 << 10), (64 << 20, 256, 256 << 10), (67_108_865, 129, 512 << 10),
            (4 << 30, 256, 16 << 20), (4_294_967_297, 257, 16 << 20),
        ] as [(Int64, Int, Int64)]
    )
    func chosen(length: Int64, pieces: Int, size: Int64) {
        let layout = PieceLayout(length: length)
        #expect(layout.pieceCount == pieces)
        #expect(layout.pieceSize == size)
    }

    @Test("Pieces cover the content without gap or overlap, and every offset lies in its piece")
    func cover() throws {
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<200 {
            let length = Int64.random(in: 0...(1 << Int64.random(in: 1...40, using: &generator)), using: &generator)
            let layout = PieceLayout(length: length)
            let count = try #require(layout.pieceCount)
            var end: Int64 = 0
            for number in [0, 1, count / 2, count - 2, count - 1] where (0..<count).contains(number) {
                let range = try #require(layout.range(of: PieceIndex(number)))
                #expect(range.offset == Int64(number) * layout.pieceSize)
                #expect(!range.isEmpty)
                #expect(range.count == layout.pieceSize || number == count - 1)
                #expect(layout.piece(at: range.offset).value == number)
                #expect(layout.piece(at: range.end - 1).value == number)
                #expect(layout.pieces(touching: range) == number..<number + 1)
                end = range.end
            }
            #expect(end == length)
            #expect(layout.range(of: PieceIndex(count)) == nil)
            #expect(layout.pieces(touching: ByteRange(length: length)).count == count)
        }
    }

    @Test(
        "Lengths that an origin only claims to have are counted without a trap",
        arguments: [Int64.max, Int64.max - 1, Int64(1) << 62]
    )
    func absurdLengths(length: Int64) throws {
        let layout = PieceLayout(length: length)
        let count = try #require(layout.pieceCount)
        let last = try #require(layout.range(of: PieceIndex(count - 1)))
        #expect(last.end == length)
        #expect(layout.range(of: PieceIndex(count)) == nil)
    }

    @Test("Layouts that somebody else chose are checked")
    func foreign() {
        #expect(PieceLayout(length: 1, pieceSize: 1 << 20)?.pieceCount == 1)
        #expect(PieceLayout(length: nil, pieceSize: 1 << 20)?.pieceCount == nil)
        for size: Int64 in [0, -1, 1, 1 << 17, (1 << 20) + 1, 3 << 18, 1 << 25, .max, .min] {
            #expect(PieceLayout(length: 1, pieceSize: size) == nil)
        }
        #expect(PieceLayout(length: -1, pieceSize: 1 << 20) == nil)
        #expect(PieceLayout(length: .max, pieceSize: 1 << 20) == nil)
    }

    @Test("While the length is unknown every piece is whole")
    func unknown() {
        let layout = PieceLayout(length: nil)
        #expect(layout.range(of: PieceIndex(7))?.count == 1 << 20)
        #expect(layout.with(length: (7 << 20) + 1).range(of: PieceIndex(7))?.count == 1)
        #expect(layout.pieces(touching: ByteRange(5..<5)).isEmpty)
    }

    @Test("Piece numbers are digits that a layout can hold")
    func index() throws {
        #expect(PieceIndex("0")?.value == 0)
        #expect(PieceIndex("2147483647")?.value == 2_147_483_647)
        for text in ["", "-1", "+1", "2147483648", "99999999999999999999", "1 ", "\u{0661}", "0x1"] {
            #expect(PieceIndex(text) == nil)
        }
        for text in ["[-1]", "[2147483648]", "[1.5]", "[\"1\"]", "[99999999999999999999]"] {
            #expect(throws: DecodingError.self) {
                try JSONDecoder().decode([PieceIndex].self, from: Data(text.utf8))
            }
        }
    }
}

@Suite struct PieceSetTests {
    private func set(_ pieces: Set<Int>) -> PieceSet {
        pieces.reduce(into: PieceSet()) { $0.insert(PieceIndex($1)) }
    }

    private func check(_ set: PieceSet, is model: Set<Int>) {
        #expect(set.map(\.value) == model.sorted())
        #expect(set.count == model.count)
        #expect(set.isEmpty == model.isEmpty)
        #expect(set.last?.value == model.max())
        #expect(set == self.set(model))
        #expect(set.hashValue == self.set(model).hashValue)
        #expect(PieceSet(bitmap: set.bitmap, limit: 4096) == set)
    }

    @Test("It does what a Set of numbers does", arguments: [UInt64](0..<8))
    func model(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var (pieces, model) = (PieceSet(), Set<Int>())
        for _ in 0..<600 {
            let number = Int.random(in: 0...(Bool.random(using: &generator) ? 70 : 400), using: &generator)
            let piece = PieceIndex(number)
            switch Int.random(in: 0..<8, using: &generator) {
            case 0, 1, 2: #expect(pieces.insert(piece) == model.insert(number).inserted)
            case 3, 4: #expect(pieces.remove(piece) == (model.remove(number) != nil))
            case 5:
                let other = Set((0..<20).map { _ in Int.random(in: 0...300, using: &generator) })
                check(pieces.subtracting(set(other)), is: model.subtracting(other))
                check(pieces.intersection(set(other)), is: model.intersection(other))
                check(set(other).subtracting(pieces), is: other.subtracting(model))
            case 6:
                let other = Set((0..<10).map { _ in Int.random(in: 0...300, using: &generator) })
                pieces.formUnion(set(other))
                model.formUnion(other)
            default:
                let run = (number...).prefix { model.contains($0) }.count
                #expect(pieces.contiguousCount(from: piece) == run)
                #expect(pieces.contains(piece) == model.contains(number))
            }
            if Int.random(in: 0..<10, using: &generator) == 0 { check(pieces, is: model) }
        }
        check(pieces, is: model)
    }

    @Test("Everything up to a number, across the words' ends", arguments: [0, 1, 63, 64, 65, 127, 128, 129, 1000])
    func all(count: Int) {
        let all = PieceSet(all: count)
        check(all, is: Set(0..<count))
        #expect(all.contiguousCount() == count)
        #expect(all.contiguousCount(from: PieceIndex(count)) == 0)
    }

    @Test("A bitmap that speaks of more pieces than allowed is refused")
    func bitmaps() {
        #expect(PieceSet(bitmap: [], limit: 0) == PieceSet())
        #expect(PieceSet(bitmap: [1], limit: 0) == nil)
        #expect(PieceSet(bitmap: [0b100], limit: 3) == [2])
        #expect(PieceSet(bitmap: [0b1000], limit: 3) == nil)
        #expect(PieceSet(bitmap: [0, 0], limit: 8) == nil)
        #expect(PieceSet(bitmap: [0, 0, 0], limit: 24) == PieceSet())
    }

    @Test("In messages it is a bounded Base64 bitmap")
    func coding() throws {
        let pieces: PieceSet = [0, 5, 64, 1000]
        let text = try JSONEncoder().encode([pieces])
        #expect(try JSONDecoder().decode([PieceSet].self, from: text) == [pieces])
        let huge = Data("[\"\(Data(repeating: 255, count: 1 << 20).base64EncodedString())\"]".utf8)
        for bad in [Data("[\"!\"]".utf8), Data("[[1]]".utf8), huge] {
            #expect(throws: DecodingError.self) { try JSONDecoder().decode([PieceSet].self, from: bad) }
        }
    }
}

@Suite struct PieceSetBelowTests {
    @Test("Pieces from a number on are left out", arguments: [0, 1, 63, 64, 65, 100, 128, 200, 1000])
    func below(count: Int) {
        let set: PieceSet = [0, 1, 62, 63, 64, 65, 99, 127, 128, 199]
        let expected = set.filter { $0.value < count }
        let below = set.below(count)
        #expect(Array(below) == expected)
        #expect(below.count == expected.count)
        #expect(PieceSet().below(count).isEmpty)
    }
}
