internal import FoundationEssentials

/// What a registry says when it refuses (distribution-spec, "Error Codes").
public struct RegistryErrorBody: Sendable, Hashable, Codable {
    /// One of its errors.
    public struct Item: Sendable, Hashable {
        /// Such as ``RegistryErrorCode/blobUnknown``.
        public var code: RegistryErrorCode
        /// For a person.
        public var message: String
        /// More of it; structured details of others are not kept.
        public var detail: String?

        /// An error.
        public init(_ code: RegistryErrorCode, message: String, detail: String? = nil) {
            self.code = code
            self.message = message
            self.detail = detail
        }
    }

    /// At least one.
    public var errors: [Item]

    /// A body with one error.
    public init(_ code: RegistryErrorCode, message: String, detail: String? = nil) {
        errors = [Item(code, message: message, detail: detail)]
    }

    /// Parses a body; returns nil for what is none, such as a proxy's HTML.
    public init?(json: [UInt8]) {
        guard let body = try? JSONDecoder().decode(RegistryErrorBody.self, from: Data(json)), !body.errors.isEmpty
        else { return nil }
        self = body
    }

    /// The body as JSON, for `Content-Type: application/json`.
    public var json: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Text and nothing else: there is nothing that could not be encoded.
        return (try? encoder.encode(self)).map { Array($0) } ?? Array(#"{"errors":[]}"#.utf8)
    }
}

extension RegistryErrorBody.Item: Codable {
    private enum CodingKeys: String, CodingKey { case code, message, detail }

    /// Decodes an error; only its code must be there.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        code = RegistryErrorCode(try container.decode(String.self, forKey: .code))
        message = (try? container.decodeIfPresent(String.self, forKey: .message)) ?? ""
        detail = try? container.decodeIfPresent(String.self, forKey: .detail)
    }

    /// Encodes an error, without a detail that is not there.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(code.text, forKey: .code)
        try container.encode(message, forKey: .message)
        try container.encodeIfPresent(detail, forKey: .detail)
    }
}

/// An error code of the distribution-spec, or another one that a registry uses.
public struct RegistryErrorCode: Sendable, Hashable, CustomStringConvertible {
    /// Such as `BLOB_UNKNOWN`.
    public let text: String
    /// The HTTP status that goes with it.
    public let status: Int

    private init(_ text: String, _ status: Int) {
        self.text = text
        self.status = status
    }

    /// The code of that name; an unknown one is a server's error.
    public init(_ text: String) {
        self = Self.known.first { $0.text == text } ?? RegistryErrorCode(text, 500)
    }

    /// Same as ``text``.
    public var description: String { text }

    /// The repository has no such blob.
    public static let blobUnknown = RegistryErrorCode("BLOB_UNKNOWN", 404)
    /// An upload broke off.
    public static let blobUploadInvalid = RegistryErrorCode("BLOB_UPLOAD_INVALID", 400)
    /// There is no such upload.
    public static let blobUploadUnknown = RegistryErrorCode("BLOB_UPLOAD_UNKNOWN", 404)
    /// The digest is malformed or not the content's.
    public static let digestInvalid = RegistryErrorCode("DIGEST_INVALID", 400)
    /// A blob that a manifest names is missing.
    public static let manifestBlobUnknown = RegistryErrorCode("MANIFEST_BLOB_UNKNOWN", 404)
    /// The manifest is malformed.
    public static let manifestInvalid = RegistryErrorCode("MANIFEST_INVALID", 400)
    /// The repository has no such manifest.
    public static let manifestUnknown = RegistryErrorCode("MANIFEST_UNKNOWN", 404)
    /// The name breaks the grammar.
    public static let nameInvalid = RegistryErrorCode("NAME_INVALID", 400)
    /// There is no such repository.
    public static let nameUnknown = RegistryErrorCode("NAME_UNKNOWN", 404)
    /// The length is not the content's.
    public static let sizeInvalid = RegistryErrorCode("SIZE_INVALID", 400)
    /// Log in first.
    public static let unauthorized = RegistryErrorCode("UNAUTHORIZED", 401)
    /// Not allowed to this user.
    public static let denied = RegistryErrorCode("DENIED", 403)
    /// Not done here.
    public static let unsupported = RegistryErrorCode("UNSUPPORTED", 405)
    /// Come back later.
    public static let tooManyRequests = RegistryErrorCode("TOOMANYREQUESTS", 429)
    /// The requested range lies behind the end.
    public static let rangeInvalid = RegistryErrorCode("RANGE_INVALID", 416)
    /// The registry is in trouble, or cannot reach its own upstream.
    public static let unavailable = RegistryErrorCode("UNAVAILABLE", 503)

    private static let known: [RegistryErrorCode] = [
        .blobUnknown, .blobUploadInvalid, .blobUploadUnknown, .digestInvalid, .manifestBlobUnknown, .manifestInvalid,
        .manifestUnknown, .nameInvalid, .nameUnknown, .sizeInvalid, .unauthorized, .denied, .unsupported,
        .tooManyRequests, .rangeInvalid, .unavailable,
    ]
}
