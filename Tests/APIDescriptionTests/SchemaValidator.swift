import Foundation

/// Holds values against schemas: the part of JSON Schema (2020-12) that `docs/openapi.yaml` uses.
///
/// It is stricter than the standard: a property that a schema does not name is a failure unless `additionalProperties` allows
/// it, and so is a keyword that this validator does not know, since it would be silently ignored.
struct SchemaValidator: Sendable {
    /// What references (`#/...`) point into.
    let document: JSONValue

    private static let annotations: Set<String> = [
        "title", "description", "default", "examples", "deprecated", "contentMediaType",
    ]

    /// What is wrong with a value; empty where it is valid.
    func failures(of value: JSONValue, against schema: JSONValue, at place: String = "$") -> [String] {
        guard case .object(let keywords) = schema else { return ["\(place): the schema is no object: \(schema)"] }
        return keywords.sorted { $0.key < $1.key }.flatMap { keyword, operand in
            check(value, keyword, operand, schema).flatMap { failure in
                switch failure {
                case .own(let text): ["\(place): \(text)"]
                case .inner(let step, let value, let schema): failures(of: value, against: schema, at: place + step)
                }
            }
        }
    }

    /// The schema that a chain of references ends at.
    func resolve(_ node: JSONValue) -> JSONValue? {
        guard let reference = node["$ref"]?.text else { return node }
        return target(of: reference).flatMap { resolve($0) }
    }

    private enum Finding {
        case own(String)
        /// To be looked at besides.
        case inner(String, JSONValue, JSONValue)
    }

    private func target(of reference: String) -> JSONValue? {
        guard reference.hasPrefix("#/") else { return nil }
        return reference.dropFirst(2).split(separator: "/").reduce(document as JSONValue?) { $0?[String($1)] }
    }

    private func check(
        _ value: JSONValue,
        _ keyword: String,
        _ operand: JSONValue,
        _ schema: JSONValue
    ) -> [Finding] {
        switch keyword {
        case "$ref":
            guard let target = operand.text.flatMap({ target(of: $0) }) else { return [.own("no such \(operand)")] }
            return [.inner("", value, target)]
        case "type":
            let names = operand.items.isEmpty ? [operand] : operand.items
            return names.contains { isOf(value, $0.text) } ? [] : [.own("\(value) is not of type \(operand)")]
        case "const": return value == operand ? [] : [.own("\(value) is not \(operand)")]
        case "enum": return operand.items.contains(value) ? [] : [.own("\(value) is not among \(operand)")]
        case "oneOf":
            let fitting = operand.items.filter { failures(of: value, against: $0).isEmpty }
            return fitting.count == 1 ? [] : [.own("\(value) fits \(fitting.count) of \(operand)")]
        case "minimum", "maximum": return checkBound(value, keyword, operand)
        case "pattern", "format", "contentEncoding": return checkText(value, keyword, operand)
        case "contentSchema":
            guard let text = value.text else { return [] }
            // All content that is described is Base64.
            let content = Data(base64Encoded: text).flatMap { try? JSONValue(json: $0) }
            return content.map { [.inner("(content)", $0, operand)] } ?? [.own("\(value) holds no JSON")]
        case "items", "minItems", "maxItems": return checkItems(value, keyword, operand)
        case "required", "properties", "additionalProperties": return checkMembers(value, keyword, operand, schema)
        default:
            let isKnown = Self.annotations.contains(keyword) || keyword.hasPrefix("x-")
            return isKnown ? [] : [.own("the validator does not know the keyword '\(keyword)'")]
        }
    }

    private func isOf(_ value: JSONValue, _ type: String?) -> Bool {
        switch (value, type) {
        case (.null, "null"), (.bool, "boolean"), (.integer, "integer"), (.integer, "number"), (.number, "number"),
            (.string, "string"), (.array, "array"), (.object, "object"):
            true
        default: false
        }
    }

    private func checkBound(_ value: JSONValue, _ keyword: String, _ operand: JSONValue) -> [Finding] {
        guard let number = value.double else { return [] }
        guard let bound = operand.double else { return [.own("\(keyword) is no number: \(operand)")] }
        let holds = keyword == "minimum" ? number >= bound : number <= bound
        return holds ? [] : [.own("\(value) is beyond the \(keyword) \(operand)")]
    }

    private func checkText(_ value: JSONValue, _ keyword: String, _ operand: JSONValue) -> [Finding] {
        switch (keyword, operand.text) {
        case ("pattern", let pattern?):
            guard let text = value.text else { return [] }
            guard let expression = try? Regex(pattern) else { return [.own("no pattern: \(pattern)")] }
            return text.contains(expression) ? [] : [.own("\(value) does not match \(pattern)")]
        case ("contentEncoding", "base64"):
            guard let text = value.text else { return [] }
            return Data(base64Encoded: text) == nil ? [.own("\(value) is not Base64")] : []
        case ("format", "int64"): return []  // JSON integers are read as such.
        case ("format", "int32"):
            guard case .integer(let number) = value else { return [] }
            return Int32(exactly: number) == nil ? [.own("\(value) does not fit 32 bits")] : []
        default: return [.own("the validator does not know the \(keyword) \(operand)")]
        }
    }

    private func checkItems(_ value: JSONValue, _ keyword: String, _ operand: JSONValue) -> [Finding] {
        guard case .array(let items) = value else { return [] }
        switch keyword {
        case "items": return items.enumerated().map { .inner("[\($0)]", $1, operand) }
        case "minItems": return Double(items.count) >= operand.double ?? 0 ? [] : [.own("too few items: \(value)")]
        default: return Double(items.count) <= operand.double ?? 0 ? [] : [.own("too many items: \(value)")]
        }
    }

    private func checkMembers(
        _ value: JSONValue,
        _ keyword: String,
        _ operand: JSONValue,
        _ schema: JSONValue
    ) -> [Finding] {
        guard case .object(let members) = value else { return [] }
        switch keyword {
        case "required":
            return operand.items.compactMap(\.text).filter { members[$0] == nil }.map { .own("'\($0)' is missing") }
        case "properties":
            let others = members.keys.filter { operand[$0] == nil && schema["additionalProperties"] == nil }.sorted()
            return others.map { .own("'\($0)' is not described") }
                + operand.members.compactMap { name, schema in
                    members[name].map { .inner(".\(name)", $0, schema) }
                }
        default:
            let others = members.filter { schema["properties"]?[$0.key] == nil }
            switch operand {
            case .bool(true): return []
            case .bool(false): return others.keys.sorted().map { .own("'\($0)' is not allowed") }
            default: return others.map { .inner(".\($0.key)", $0.value, operand) }
            }
        }
    }
}
