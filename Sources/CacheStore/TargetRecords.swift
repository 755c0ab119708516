package import Content

/// What is left of an interrupted download beside its output.
package struct SavedTarget: Sendable {
    /// The task.
    package var task: TaskID
    /// The version of its content.
    package var generation: Generation
    /// How it is cut into pieces.
    package var layout: PieceLayout
    /// The digests of the pieces that were committed.
    package var pieces: [PieceIndex: Digest] = [:]
    /// The boot during which they were written.
    var bootID: String
}

/// The state file of a ``TargetFile``: records that are only ever appended, each with a checksum, so that whatever a
/// killed process leaves is a usable beginning.
///
/// A record is a kind byte, the payload's length in two bytes, the payload, and the first 8 bytes of the SHA-256 of all
/// that. The first record is the header; a record that is cut short or wrong ends the file.
enum TargetRecord {
    case header(SavedTarget)
    case piece(PieceIndex, Digest)
    case length(Int64)

    var bytes: [UInt8] {
        var payload: [UInt8] = []
        let kind: Character
        switch self {
        case .header(let saved):
            kind = "H"
            payload += saved.task.bytes + saved.generation.bytes
            payload += Self.bytes(of: saved.layout.length ?? -1) + Self.bytes(of: saved.layout.pieceSize)
            payload += Array(saved.bootID.utf8)
        case .piece(let piece, let digest):
            kind = "P"
            payload += Self.bytes(of: Int64(piece.value)) + digest.bytes
        case .length(let length):
            kind = "L"
            payload += Self.bytes(of: length)
        }
        let head = [kind.asciiValue ?? 0, UInt8(payload.count >> 8), UInt8(payload.count & 255)]
        return head + payload + Self.checksum(head + payload)
    }

    private static func checksum(_ bytes: [UInt8]) -> [UInt8] { Array(Digest.of(bytes).bytes.prefix(8)) }

    private static func bytes(of number: Int64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) }
    }

    private static func number(_ bytes: some Sequence<UInt8>) -> Int64 {
        bytes.reduce(0) { $0 << 8 | Int64($1) }
    }

    /// Reads a state file.
    ///
    /// Returns nil where it does not even begin with a whole header.
    static func read(_ bytes: [UInt8]) -> SavedTarget? {
        var rest = bytes[...]
        guard case .header(var saved)? = next(in: &rest) else { return nil }
        while let record = next(in: &rest) {
            switch record {
            case .header: return nil
            case .length(let length):
                guard let layout = PieceLayout(length: length, pieceSize: saved.layout.pieceSize) else { return nil }
                saved.layout = layout
            case .piece(let piece, let digest): saved.pieces[piece] = digest
            }
        }
        saved.pieces = saved.pieces.filter { saved.layout.range(of: $0.key) != nil }
        return saved
    }

    private static func next(in rest: inout ArraySlice<UInt8>) -> TargetRecord? {
        guard rest.count >= 3 else { return nil }
        let start = rest.startIndex
        let end = start + 3 + (Int(rest[start + 1]) << 8) + Int(rest[start + 2])
        guard end + 8 <= rest.endIndex, checksum(Array(rest[start..<end])) == Array(rest[end..<end + 8])
        else { return nil }
        defer { rest = rest[(end + 8)...] }
        return parse(kind: rest[start], Array(rest[start + 3..<end]))
    }

    private static func parse(kind: UInt8, _ payload: [UInt8]) -> TargetRecord? {
        switch kind {
        case UInt8(ascii: "H"):
            guard payload.count >= 64, let task = TaskID(bytes: Array(payload[..<32])),
                let generation = Generation(bytes: Array(payload[32..<48]))
            else { return nil }
            let length = number(payload[48..<56])
            guard length >= -1,
                let layout = PieceLayout(length: length < 0 ? nil : length, pieceSize: number(payload[56..<64]))
            else { return nil }
            let bootID = String(decoding: payload[64...], as: UTF8.self)
            return .header(SavedTarget(task: task, generation: generation, layout: layout, bootID: bootID))
        case UInt8(ascii: "P"):
            let index = number(payload.prefix(8))
            guard payload.count == 40, (0...Int64(Int32.max)).contains(index),
                let digest = Digest(algorithm: .sha256, bytes: Array(payload[8...]))
            else { return nil }
            return .piece(PieceIndex(Int(index)), digest)
        case UInt8(ascii: "L"):
            return payload.count == 8 ? .length(number(payload)) : nil
        default:
            return nil
        }
    }
}
