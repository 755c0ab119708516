/// A JSON object (RFC 8259) as text, with the places of its members: an edit leaves all else as it is.
struct JSONObjectText {
    struct Member {
        let name: String
        /// From the name's quote to the value's end.
        let range: Range<Int>
        let value: Range<Int>
        /// The value's elements, where it is an array.
        let elements: [Element]?
    }

    struct Element {
        let range: Range<Int>
        /// What it says, where it is a string.
        let string: String?
    }

    let bytes: [UInt8]
    let members: [Member]
    /// What is between the braces.
    let inside: Range<Int>

    init(_ text: String) throws(EditFault) {
        bytes = Array(text.utf8)
        var scanner = JSONScanner(bytes)
        (members, inside) = try scanner.object()
    }

    /// The one member of a name.
    func member(_ name: String) throws(EditFault) -> Member? {
        let found = members.filter { $0.name == name }
        guard found.count <= 1 else { throw EditFault("'\(name)' is there twice") }
        return found.first
    }

    func replacing(_ range: Range<Int>, with text: String) -> String {
        String(decoding: bytes[..<range.lowerBound] + Array(text.utf8) + bytes[range.upperBound...], as: UTF8.self)
    }

    /// The text with one more member at the end.
    func appending(_ member: String) -> String {
        guard let last = members.last else { return replacing(inside, with: "\n  \(member)\n") }
        let start = members.dropLast().last?.range.upperBound ?? inside.lowerBound
        return replacing(last.range.upperBound..<last.range.upperBound, with: "," + gap(start, last.range) + member)
    }

    /// The text with one more element at the start of an array.
    func inserting(_ element: String, into member: Member) -> String {
        let start = member.value.lowerBound + 1
        guard let first = member.elements?.first else {
            return replacing(start..<(member.value.upperBound - 1), with: element)
        }
        return replacing(first.range.lowerBound..<first.range.lowerBound, with: element + "," + gap(start, first.range))
    }

    /// The text without one of some things that commas part.
    func removing(_ index: Int, of ranges: [Range<Int>], within whole: Range<Int>) -> String {
        if index + 1 < ranges.count {
            return replacing(ranges[index].lowerBound..<ranges[index + 1].lowerBound, with: "")
        }
        if index > 0 { return replacing(ranges[index - 1].upperBound..<ranges[index].upperBound, with: "") }
        return replacing(whole, with: "")
    }

    /// What stands between a comma or bracket and what follows it, if that is on a line of its own.
    private func gap(_ start: Int, _ range: Range<Int>) -> String {
        let blanks = bytes[start..<range.lowerBound].reversed().prefix { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
        return blanks.contains(0x0A) ? String(decoding: blanks.reversed(), as: UTF8.self) : " "
    }

    /// A string.
    static func quoted(_ text: String) -> String {
        "\"\(text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
    }
}
