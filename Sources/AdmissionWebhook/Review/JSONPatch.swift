import FoundationEssentials

/// A place in a JSON document (RFC 6901).
package struct JSONPointer: Sendable, Hashable, CustomStringConvertible {
    package let description: String

    package init(_ tokens: String...) { self.init(tokens) }

    package init(_ tokens: [String]) {
        description = tokens.map { token in
            "/" + token.replacing("~", with: "~0").replacing("/", with: "~1")
        }.joined()
    }
}

/// One operation of a JSON Patch (RFC 6902).
package struct PatchOperation: Sendable, Hashable, Encodable {
    package let op: String
    package let path: String
    package let value: JSONValue

    package static func add(_ path: JSONPointer, _ value: JSONValue) -> PatchOperation {
        PatchOperation(op: "add", path: path.description, value: value)
    }

    package static func replace(_ path: JSONPointer, _ value: JSONValue) -> PatchOperation {
        PatchOperation(op: "replace", path: path.description, value: value)
    }

    package static func test(_ path: JSONPointer, _ value: JSONValue) -> PatchOperation {
        PatchOperation(op: "test", path: path.description, value: value)
    }
}

extension [PatchOperation] {
    /// The document.
    package var document: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(self)).map { [UInt8]($0) } ?? Array<UInt8>("[]".utf8)
    }
}
