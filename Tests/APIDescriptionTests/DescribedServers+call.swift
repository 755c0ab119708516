import Content
import CurlTransport
import Foundation
import Testing
import WireAPI

/// A request, and what is expected of its answer besides its being as described.
struct DescribedCall: Sendable {
    var method: String
    var path: String
    var headers: HeaderFields = [:]
    var body: [UInt8]?
    var status = 200
    /// The code of the error.
    var code: String?

    init(
        _ method: String,
        _ path: String,
        key: String? = nil,
        _ headers: HeaderFields = [:],
        body: [UInt8]? = nil,
        status: Int = 200,
        code: String? = nil
    ) {
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
        self.status = status
        self.code = code
        if let key { self.headers["Authorization"] = "Bearer \(key)" }
    }

    /// With a JSON body.
    init(
        _ method: String,
        _ path: String,
        key: String? = nil,
        _ headers: HeaderFields = [:],
        json: some Encodable,
        status: Int = 200,
        code: String? = nil
    ) throws {
        let body = [UInt8](try JSONEncoder().encode(json))
        self.init(method, path, key: key, headers, body: body, status: status, code: code)
    }
}

extension DescribedServers {
    /// Makes a call; what is not as described is recorded as an issue.
    @discardableResult
    func call(
        _ call: DescribedCall,
        at listener: ServedListener,
        _ source: SourceLocation = #_sourceLocation
    ) async throws -> BufferedResponse {
        let place = try await listener.place()
        var request = TransferRequest(url: place.url + call.path, method: call.method, options: .loopback)
        request.options.unixSocketPath = place.socket
        request.headers = call.headers
        if let body = call.body { request.body = .bytes(body) }
        let answer = try await transport.send(request, limit: 8 << 20)
        let operation = try #require(
            description.operation(call.method, call.path),
            "\(call.method) \(call.path) is not described",
            sourceLocation: source
        )
        #expect(operation.tags.contains(listener.tag), "\(operation.name)", sourceLocation: source)
        #expect(
            answer.head.status == call.status,
            "\(operation.name): \(String(decoding: answer.body.prefix(500), as: UTF8.self))",
            sourceLocation: source
        )
        let wrong = failures(of: call, operation) + failures(of: answer, to: call, operation)
        #expect(wrong == [], "\(operation.name) \(answer.head.status)", sourceLocation: source)
        answered.add("\(operation.name) \(answer.head.status)")
        return answer
    }

    /// The same with a decoded answer.
    func call<Answer: Decodable>(
        _ call: DescribedCall,
        at listener: ServedListener,
        as _: Answer.Type,
        _ source: SourceLocation = #_sourceLocation
    ) async throws -> Answer {
        let answer = try await self.call(call, at: listener, source)
        return try JSONDecoder().decode(Answer.self, from: Data(answer.body))
    }

    /// What is not described of a request that is expected to be in order.
    private func failures(of call: DescribedCall, _ operation: APIDescription.Operation) -> [String] {
        let known = operation.parameters.filter { $0["in"]?.text == "header" }.compactMap { $0["name"]?.text }
        let schemes = operation.node["security"]?.items.flatMap(\.members.keys) ?? []
        let secrets = schemes.compactMap { description.document["components"]?["securitySchemes"]?[$0] }
            .map { $0["name"]?.text ?? "Authorization" }
        var failures = call.headers.map(\.name).filter { !(known + secrets).contains($0) }
            .map { "the request's \($0) is not described" }
        guard (200..<300).contains(call.status), let body = call.body else { return failures }
        let content = operation.node["requestBody"]?["content"]
        if let schema = content?["application/json"]?["schema"] {
            guard let value = try? JSONValue(json: body) else { return failures + ["the request is not JSON"] }
            failures += description.validator.failures(of: value, against: schema, at: "request")
        } else if content == nil {
            failures.append("the request's body is not described")
        }
        return failures
    }

    private func failures(
        of answer: BufferedResponse,
        to call: DescribedCall,
        _ operation: APIDescription.Operation
    ) -> [String] {
        let status = answer.head.status
        guard let node = operation.node["responses"]?["\(status)"],
            let response = description.validator.resolve(node)
        else { return ["the status is not described"] }
        return failures(of: answer.head.fields, response) + failures(of: answer, response, code: call.code)
    }

    /// Fields that need no description (RFC 9110, RFC 9112).
    private static let usual: Set<String> = [
        "connection", "content-length", "content-type", "date", "server", "transfer-encoding",
    ]

    private func failures(of fields: HeaderFields, _ response: JSONValue) -> [String] {
        let described = response["headers"]?.members ?? [:]
        let names = Set(described.keys.map { $0.lowercased() }).union(Self.usual)
        let others = fields.map(\.name).filter { !names.contains($0.lowercased()) }
        return others.map { "the field \($0) is not described" }
            + described.flatMap { name, node -> [String] in
                guard let header = description.validator.resolve(node), let schema = header["schema"] else {
                    return ["the field \(name) has no schema"]
                }
                guard let value = fields[name] else {
                    return header["required"] == .bool(true) ? ["the field \(name) is missing"] : []
                }
                return description.validator.failures(of: .string(value), against: schema, at: name)
            }
    }

    private func failures(of answer: BufferedResponse, _ response: JSONValue, code: String?) -> [String] {
        let content = response["content"]?.members ?? [:]
        guard !content.isEmpty else { return answer.body.isEmpty ? [] : ["the body is not described"] }
        let type = answer.head.fields["Content-Type"].map { String($0.prefix { $0 != ";" }) } ?? ""
        guard let schema = (content[type] ?? content["*/*"])?["schema"] else {
            return ["the type '\(type)' is not described"]
        }
        guard type == "application/json" else {
            // Any bytes will do where nothing is said of them.
            guard !schema.members.isEmpty else { return [] }
            let text = String(decoding: answer.body, as: UTF8.self)
            return description.validator.failures(of: .string(text), against: schema, at: "body")
        }
        guard let body = try? JSONValue(json: answer.body) else { return ["the body is not JSON"] }
        var failures = description.validator.failures(of: body, against: schema, at: "body")
        if let told = body["error"]?["code"]?.text {
            if !description.codes(of: response).contains(told) { failures.append("'\(told)' is not described here") }
            if let code, code != told { failures.append("'\(told)' in place of '\(code)'") }
        } else if let code {
            failures.append("no error in place of '\(code)'")
        }
        return failures
    }
}
