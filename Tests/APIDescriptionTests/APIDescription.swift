import Foundation

/// `docs/openapi.yaml`.
struct APIDescription: Sendable {
    /// One method of one path.
    struct Operation: Sendable {
        /// As in `GET`.
        let method: String
        /// As described, with parameters in braces.
        let path: String
        /// Names of listeners.
        let tags: [String]
        /// What its path and it say of parameters.
        let parameters: [JSONValue]
        let node: JSONValue

        var name: String { "\(method) \(path)" }
    }

    let document: JSONValue
    let validator: SchemaValidator
    let operations: [Operation]

    static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// What the file says.
    static func load() throws -> APIDescription { try loaded.get() }

    /// Read once: that takes a while.
    private static let loaded = Result { try APIDescription() }

    private init() throws {
        let file = Self.root.appending(path: "docs/openapi.yaml")
        let document = try JSONValue(yaml: String(contentsOf: file, encoding: .utf8))
        let validator = SchemaValidator(document: document)
        self.document = document
        self.validator = validator
        operations = (document["paths"]?.members ?? [:]).flatMap { path, item in
            Self.methods.compactMap { method in
                item[method].map { node in
                    Operation(
                        method: method.uppercased(),
                        path: path,
                        tags: node["tags"]?.items.compactMap(\.text) ?? [],
                        parameters: ((item["parameters"]?.items ?? []) + (node["parameters"]?.items ?? []))
                            .compactMap { validator.resolve($0) },
                        node: node
                    )
                }
            }
        }
    }

    private static let methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"]

    var schemas: [String: JSONValue] { document["components"]?["schemas"]?.members ?? [:] }

    var tags: Set<String> { Set(document["tags"]?.items.compactMap { $0["name"]?.text } ?? []) }

    func operations(of tag: String) -> [Operation] { operations.filter { $0.tags.contains(tag) } }

    /// What answers such a request: of several paths that fit, the one with the fewest parameters.
    func operation(_ method: String, _ path: String) -> Operation? {
        operations.filter { $0.method == method && Self.fits(path, $0.path) }
            .min { $0.path.count(where: { $0 == "{" }) < $1.path.count(where: { $0 == "{" }) }
    }

    /// The codes of errors that a response's description names.
    func codes(of response: JSONValue) -> Set<String> {
        let words = response["description"]?.text?.split(separator: "`", omittingEmptySubsequences: false) ?? []
        let quoted = words.enumerated().filter { !$0.offset.isMultiple(of: 2) }.map { String($0.element) }
        return Set(quoted).intersection(statuses.keys)
    }

    /// The codes of errors with their statuses.
    var statuses: [String: Int] {
        (schemas["ErrorCode"]?["x-enumDescriptions"]?.members ?? [:])
            .compactMapValues { $0.text.flatMap { Int($0.prefix { $0 != ":" }) } }
    }

    private static func fits(_ path: String, _ template: String) -> Bool {
        let segments = path.split(separator: "/")
        let wanted = template.split(separator: "/")
        return segments.count == wanted.count && zip(segments, wanted).allSatisfy { $0 == $1 || $1.hasPrefix("{") }
    }
}
