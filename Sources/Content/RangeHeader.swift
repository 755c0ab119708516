/// What a `Range` header asks for (RFC 9110 §14.2), for the single-range forms that Darter serves.
public enum RangeHeader: Hashable, Sendable {
    /// `bytes=first-last`.
    case closed(first: Int64, last: Int64)
    /// `bytes=first-`.
    case from(Int64)
    /// `bytes=-count`: the last bytes.
    case suffix(Int64)

    /// How a request is to be answered once the content's length is known.
    public enum Resolution: Hashable, Sendable {
        /// 206 with these bytes.
        case partial(ByteRange)
        /// 416 with `Content-Range: bytes */length`.
        case unsatisfiable
    }

    /// Parses a field value.
    ///
    /// Returns nil where the header is to be ignored and the whole content sent, as RFC 9110 §14.2 has it: another
    /// unit, a malformed value, or several ranges (which a server may answer with 200).
    public init?(_ value: some StringProtocol) {
        guard let equals = value.firstIndex(of: "="),
            Self.trimmed(value[..<equals]).lowercased() == "bytes"
        else { return nil }
        let spec = Self.trimmed(value[value.index(after: equals)...])
        guard let dash = spec.firstIndex(of: "-") else { return nil }
        let (left, right) = (spec[..<dash], spec[spec.index(after: dash)...])
        switch (left.isEmpty, right.isEmpty) {
        case (true, true): return nil
        case (true, false):
            guard let count = Self.number(right) else { return nil }
            self = .suffix(count)
        case (false, true):
            guard let first = Self.number(left) else { return nil }
            self = .from(first)
        case (false, false):
            guard let first = Self.number(left), let last = Self.number(right), first <= last else { return nil }
            self = .closed(first: first, last: last)
        }
    }

    /// The bytes that are meant in content of `length` bytes.
    public func resolve(length: Int64) -> Resolution {
        switch self {
        case .closed(let first, let last):
            guard first < length else { return .unsatisfiable }
            return .partial(ByteRange(first..<min(last, length - 1) + 1))
        case .from(let first):
            guard first < length else { return .unsatisfiable }
            return .partial(ByteRange(first..<length))
        case .suffix(let count):
            guard count > 0, length > 0 else { return .unsatisfiable }
            return .partial(ByteRange(max(0, length - count)..<length))
        }
    }

    /// Without the optional white space around it (RFC 9110 §5.6.3).
    private static func trimmed(_ text: some StringProtocol) -> String {
        String(text.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }

    /// Decimal digits only; a number too large for a length becomes the largest there is.
    static func number(_ digits: some StringProtocol) -> Int64? {
        guard isNumber(digits) else { return nil }
        return Int64(digits) ?? Int64.max - 1
    }

    /// Decimal digits only; nil for a number too large for a length.
    static func exactNumber(_ digits: some StringProtocol) -> Int64? {
        isNumber(digits) ? Int64(digits) : nil
    }

    private static func isNumber(_ digits: some StringProtocol) -> Bool {
        !digits.isEmpty && digits.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}

/// A `Content-Range` header (RFC 9110 §14.4) in bytes.
public struct ContentRange: Hashable, Sendable {
    /// The bytes in the body; nil in a 416 (`bytes */length`).
    public let range: ByteRange?
    /// The complete length; nil where the sender does not know it (`*`).
    public let length: Int64?

    /// The header of a 206, or of a 416 where `range` is nil.
    public init(range: ByteRange?, length: Int64?) {
        self.range = range
        self.length = length
    }

    /// Parses `bytes first-last/length`.
    ///
    /// Returns nil for anything that is malformed, contradicts itself or does not fit 63 bits.
    public init?(_ value: some StringProtocol) {
        let words = value.split(separator: " ", omittingEmptySubsequences: true)
        guard words.count == 2, words[0].lowercased() == "bytes" else { return nil }
        let parts = words[1].split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        if parts[1] == "*" {
            length = nil
        } else {
            guard let number = RangeHeader.exactNumber(parts[1]) else { return nil }
            length = number
        }
        if parts[0] == "*" {
            guard length != nil else { return nil }
            range = nil
            return
        }
        let ends = parts[0].split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let first = RangeHeader.exactNumber(ends[0]),
            let last = RangeHeader.exactNumber(ends[1]),
            first <= last, last < length ?? .max
        else { return nil }
        range = ByteRange(first..<last + 1)
    }
}

extension ContentRange: CustomStringConvertible {
    /// The field value.
    public var description: String {
        let total = length.map(String.init) ?? "*"
        guard let range, !range.isEmpty else { return "bytes */\(total)" }
        return "bytes \(range.offset)-\(range.end - 1)/\(total)"
    }
}
