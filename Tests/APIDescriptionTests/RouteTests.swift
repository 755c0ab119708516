import Foundation
import Testing
import WireAPI

/// Everything that the servers answer is described, and everything described is answered.
@Suite(.timeLimit(.minutes(1))) struct RouteTests {
    @Test("Each listener has exactly the routes that are described under its tag")
    func routes() async throws {
        try await withDescribedServers { servers in
            for listener in servers.listeners {
                let described = Set(servers.description.operations(of: listener.tag).map(\.name))
                #expect(listener.routes.subtracting(described) == [], "\(listener.tag): not described")
                #expect(described.subtracting(listener.routes) == [], "\(listener.tag): described, but not there")
            }
            #expect(Set(servers.listeners.map(\.tag)) == servers.description.tags)
        }
    }

    @Test("Every operation has a name of its own, and a tag and parameters that there are")
    func operations() throws {
        let description = try APIDescription.load()
        let names = description.operations.compactMap { $0.node["operationId"]?.text }
        #expect(names.count == description.operations.count)
        #expect(Set(names).count == names.count)
        for operation in description.operations {
            #expect(!operation.tags.isEmpty && description.tags.isSuperset(of: operation.tags), "\(operation.name)")
            let wanted = operation.path.split(separator: "/").filter { $0.hasPrefix("{") }.map {
                $0.dropFirst().dropLast()
            }
            let named = operation.parameters.filter { $0["in"]?.text == "path" }.compactMap { $0["name"]?.text }
            #expect(named.sorted() == wanted.map(String.init).sorted(), "\(operation.name)")
        }
    }

    @Test("Every code of an error is described with its status, and stands only under that status")
    func codes() throws {
        let description = try APIDescription.load()
        let listed = description.schemas["ErrorCode"]?["enum"]?.items.compactMap(\.text) ?? []
        #expect(Set(listed) == Set(description.statuses.keys))
        #expect(try Self.codes().subtracting(listed) == [])
        for code in try Self.codes() {
            #expect(description.statuses[code] == WireError.Code(rawValue: code).status, "\(code)")
        }
        for operation in description.operations {
            for (status, node) in operation.node["responses"]?.members ?? [:] {
                let response = try #require(description.validator.resolve(node), "\(operation.name) \(status)")
                for code in description.codes(of: response) {
                    #expect(description.statuses[code].map(String.init) == status, "\(operation.name): \(code)")
                }
            }
        }
    }

    /// The codes that the sources declare: anybody may add one, and no value lists them.
    private static func codes() throws -> Set<String> {
        let file = APIDescription.root.appending(path: "Sources/WireAPI/APIError.swift")
        let text = try String(contentsOf: file, encoding: .utf8)
        let codes = Set(text.matches(of: /static let \w+ = Self\(rawValue: "(\w+)"\)/).map { String($0.1) })
        #expect(codes.count > 20)
        return codes
    }
}
