import Content
import Foundation
import NodeControl
import Testing
import WireAPI

/// The messages are what their schemas say, and the schemas say all of it.
@Suite struct MessageTests {
    private let description: APIDescription

    init() throws { description = try APIDescription.load() }

    private func schema(_ name: String) throws -> JSONValue {
        try #require(description.schemas[name], "no schema \(name)")
    }

    @Test(
        "A message with everything in it fits its schema, and has everything that the schema describes",
        arguments: MessageExample.all
    )
    func fits(example: MessageExample) throws {
        let (json, schema) = (try example.json, try schema(example.schema))
        #expect(example.unfilled == [], "the example is not complete")
        #expect(description.validator.failures(of: json, against: schema) == [])
        #expect(absent(in: json, schema, example.schema) == [], "described, but not in the message")
        #expect(try example.reread(json) == json)
    }

    @Test(
        "What a schema requires a message can not be read without, and without all else it can",
        arguments: MessageExample.all
    )
    func requires(example: MessageExample) throws {
        for removal in removals(from: try example.json, try schema(example.schema), example.schema) {
            let isRead = (try? example.reread(removal.rest)) != nil
            // Errors have to be told with a message; one that comes without is still an error.
            guard !removal.place.hasSuffix(".error.message") else { continue }
            #expect(isRead != removal.isRequired, "without \(removal.place)")
        }
    }

    @Test("Enumerations list all their values")
    func enumerations() throws {
        func check<Value: CaseIterable & RawRepresentable<String>>(_: Value.Type, _ schema: JSONValue?) {
            let listed = schema.flatMap { description.validator.resolve($0) }?["enum"]?.items.compactMap(\.text) ?? []
            #expect(listed.sorted() == Value.allCases.map(\.rawValue).sorted(), "\(Value.self)")
        }
        let schemas = description.schemas
        check(TaskReport.Reason.self, schemas["FailureReason"])
        check(TaskUpdate.State.self, schemas["TaskUpdate"]?["properties"]?["state"])
        check(TaskRegistrationRequest.Pattern.self, schemas["TaskRegistrationRequest"]?["properties"]?["pattern"])
        check(NodePattern.self, schemas["NodeDownloadRequest"]?["properties"]?["pattern"])
        check(PeerState.self, schemas["PeerListing"]?["properties"]?["state"])
    }

    /// What no type has both ways: `AnswerTests` hold real requests and answers to these.
    private static let calls: Set<String> = [
        "AdmissionAnswer", "AdmissionReview", "AdmissionVersion", "Readiness", "Version",
    ]

    @Test("Every schema is that of a message, of a part of one, or of what only calls of servers show")
    func schemas() throws {
        var used: Set<String> = []
        func visit(_ node: JSONValue) {
            switch node {
            case .array(let items): items.forEach(visit)
            case .object(let members):
                if let name = members["$ref"]?.text?.split(separator: "/").last.map(String.init),
                    used.insert(name).inserted
                {
                    if let schema = description.schemas[name] { visit(schema) }
                }
                members.values.forEach(visit)
            default: break
            }
        }
        for example in MessageExample.all {
            used.insert(example.schema)
            visit(try schema(example.schema))
        }
        #expect(Set(description.schemas.keys).subtracting(used) == Self.calls)
    }

    /// The properties that a schema describes and a message has not, or has without a single item.
    private func absent(in value: JSONValue, _ schema: JSONValue, _ place: String) -> [String] {
        guard let schema = description.validator.resolve(schema) else { return [place] }
        switch value {
        case .object(let members):
            return (schema["properties"]?.members ?? [:]).flatMap { name, schema in
                members[name].map { absent(in: $0, schema, "\(place).\(name)") } ?? ["\(place).\(name)"]
            }
        case .array(let items):
            guard let schema = schema["items"], let first = items.first else { return [place] }
            return absent(in: first, schema, "\(place)[0]")
        default: return []
        }
    }

    private struct Removal {
        let place: String
        let isRequired: Bool
        /// The message without it.
        let rest: JSONValue
    }

    /// A message without each of its properties in turn, those of the first item of each array included.
    private func removals(from value: JSONValue, _ schema: JSONValue, _ place: String) -> [Removal] {
        guard let schema = description.validator.resolve(schema) else { return [] }
        switch value {
        case .object(let members):
            let required = Set(schema["required"]?.items.compactMap(\.text) ?? [])
            return (schema["properties"]?.members ?? [:]).flatMap { name, inner -> [Removal] in
                guard let member = members[name] else { return [] }
                let place = "\(place).\(name)"
                let rest = members.filter { $0.key != name }
                return [Removal(place: place, isRequired: required.contains(name), rest: .object(rest))]
                    + removals(from: member, inner, place).map { removal in
                        let whole = members.merging([name: removal.rest]) { $1 }
                        return Removal(place: removal.place, isRequired: removal.isRequired, rest: .object(whole))
                    }
            }
        case .array(let items):
            guard let inner = schema["items"], let first = items.first else { return [] }
            return removals(from: first, inner, "\(place)[0]").map { removal in
                let whole = [removal.rest] + items.dropFirst()
                return Removal(place: removal.place, isRequired: removal.isRequired, rest: .array(whole))
            }
        default: return []
        }
    }
}
