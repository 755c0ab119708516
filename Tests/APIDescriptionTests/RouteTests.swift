import Foundation
import HTTPService
import TestSupport
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

    @Test("OPTIONS * tells the methods that a listener has routes for")
    func serverOptions() async throws {
        try await withDescribedServers { servers in
            for listener in servers.listeners {
                guard let port = try await listener.service.bound().port else { continue }
                let answer = try await withByteConnection(to: port) { client in
                    try await client.send("OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    return String(decoding: try await client.readToEnd().bytes, as: UTF8.self)
                }
                #expect(answer.hasPrefix("HTTP/1.1 204 "), "\(listener.tag): \(answer)")
                let told = answer.firstMatch(of: /\r\nAllow: ([A-Z, ]+)\r\n/)?.1.split(separator: ", ").map(String.init)
                var methods = Set(listener.routes.compactMap { $0.split(separator: " ").first.map(String.init) })
                if methods.contains("GET") { methods.insert("HEAD") }
                #expect(Set(told ?? []) == methods.union(["OPTIONS"]), "\(listener.tag): \(answer)")
            }
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
