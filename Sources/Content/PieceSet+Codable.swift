import FoundationEssentials

extension PieceSet: Codable {
    /// The most pieces that a message may speak of.
    private static let largestDecoded = 1 << 20

    /// Decodes a bitmap in Base64.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let set = PieceSet(bitmap: [UInt8](try container.decode(Data.self)), limit: PieceSet.largestDecoded)
        else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "too many pieces")
        }
        self = set
    }

    /// Encodes the bitmap in Base64.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(Data(bitmap))
    }
}
