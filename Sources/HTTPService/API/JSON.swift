import FoundationEssentials
package import HTTPTypes
package import Hummingbird
import NIOCore

extension Response {
    /// A response with a JSON body.
    package static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else { return Response(status: .internalServerError) }
        return Response(
            status: status,
            headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: data))
        )
    }

    /// A response with a body of plain text.
    package static func text(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status,
            headers: [.contentType: "text/plain; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text))
        )
    }
}

extension Request {
    /// The body, read as a whole.
    ///
    /// Throws an ``APIError``: 413 if it is longer than `limit` bytes, without reading on.
    package func collect(limit: Int) async throws -> ByteBuffer {
        if let length = headers[.contentLength].flatMap({ Int($0) }), length > limit {
            throw APIError.tooLarge(limit: limit)
        }
        do {
            return try await body.collect(upTo: limit)
        } catch is NIOTooManyBytesError {
            throw APIError.tooLarge(limit: limit)
        }
    }

    /// The body decoded from JSON.
    ///
    /// Throws an ``APIError``: 413 if it is longer than `limit` bytes, 400 naming the place if it is not what is expected.
    package func json<Value: Decodable>(_: Value.Type, limit: Int) async throws -> Value {
        try Self.decode(try await collect(limit: limit))
    }

    /// The same where the body may be left out: nil then.
    package func jsonIfAny<Value: Decodable>(_: Value.Type, limit: Int) async throws -> Value? {
        let buffer = try await collect(limit: limit)
        return buffer.readableBytes == 0 ? nil : try Self.decode(buffer)
    }

    private static func decode<Value: Decodable>(_ buffer: ByteBuffer) throws -> Value {
        do {
            return try JSONDecoder().decode(Value.self, from: Data(buffer.readableBytesView))
        } catch let error as DecodingError {
            throw APIError.badRequest("the body is not what is expected", detail: ["reason": describe(error)])
        }
    }

    private static func describe(_ error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, let context): "\(place(context.codingPath + [key])): missing"
        case .typeMismatch(let type, let context): "\(place(context.codingPath)): expected \(type)"
        case .valueNotFound(let type, let context): "\(place(context.codingPath)): expected \(type), found null"
        case .dataCorrupted(let context): "\(place(context.codingPath)): \(context.debugDescription)"
        @unknown default: "malformed"
        }
    }

    private static func place(_ path: [any CodingKey]) -> String {
        path.isEmpty ? "body" : path.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
    }
}
