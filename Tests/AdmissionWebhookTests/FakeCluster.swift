import Content
import CurlTransport
import Foundation
import Logging
import Synchronization
import TestSupport

@testable import AdmissionWebhook

/// An API server with the few objects that the webhook knows, which treats versions and conflicts as kube-apiserver does.
final class FakeCluster: Sendable {
    private struct State {
        var objects: [String: JSONValue] = [:]
        var version: Int64 = 0
        /// Runs once before the next write, as another client that is faster.
        var meanwhile: (@Sendable (FakeCluster) -> Void)?
        var isDown = false
        var tokens: Set<String> = []
    }

    static let secrets = "/api/v1/namespaces/darter/secrets"
    static let secret = "\(secrets)/tls"
    static let webhooks = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/darter"
    static let daemons = "/apis/apps/v1/namespaces/darter/daemonsets/dfdaemon"

    private let state = Mutex(State())

    /// The object at a path.
    subscript(_ path: String) -> JSONValue? {
        get { state.withLock { $0.objects[path] } }
        set { state.withLock { Self.put(newValue, path, &$0) } }
    }

    /// How many writes there were.
    var version: Int64 { state.withLock { $0.version } }

    /// The tokens that came.
    var tokens: Set<String> { state.withLock { $0.tokens } }

    var isDown: Bool {
        get { state.withLock { $0.isDown } }
        set { state.withLock { $0.isDown = newValue } }
    }

    /// Somebody else is faster than the next write.
    func beforeTheNextWrite(_ body: @escaping @Sendable (FakeCluster) -> Void) {
        state.withLock { $0.meanwhile = body }
    }

    /// A configuration with so many webhooks, none of which trusts anybody.
    func addWebhooks(_ count: Int = 1) {
        let webhook = JSONValue.object(["name": .string("w"), "clientConfig": .object([:])])
        self[Self.webhooks] = .object([
            "metadata": .object(["name": .string("darter")]),
            "webhooks": .array(Array(repeating: webhook, count: count)),
        ])
    }

    /// The authorities that a webhook trusts, in PEM.
    func trusted(_ index: Int = 0) -> String {
        let bundle = self[Self.webhooks]?["webhooks"]?.array?[index]["clientConfig"]?["caBundle"]?.string ?? ""
        return String(decoding: Data(base64Encoded: bundle) ?? Data(), as: UTF8.self)
    }

    /// A member of the Secret.
    func kept(_ name: String) -> String {
        let text = self[Self.secret]?["data"]?[name]?.string ?? ""
        return String(decoding: Data(base64Encoded: text) ?? Data(), as: UTF8.self)
    }

    private static func put(_ object: JSONValue?, _ path: String, _ state: inout State) {
        state.version += 1
        var object = object
        if var metadata = object?["metadata"] {
            metadata["resourceVersion"] = .string(String(state.version))
            object?["metadata"] = metadata
        }
        state.objects[path] = object
    }

    // MARK: Serving

    func answer(_ request: ScriptedRequest) -> Script {
        if request.method != "GET" {
            let meanwhile = state.withLock { state in
                defer { state.meanwhile = nil }
                return state.meanwhile
            }
            meanwhile?(self)
        }
        return state.withLock { state in
            if let token = request.headers["Authorization"] { state.tokens.insert(token) }
            guard !state.isDown else { return Self.status(503, "is down") }
            let body = JSONValue(text: String(decoding: request.body, as: UTF8.self))
            let path = request.path
            switch request.method {
            case "GET": return state.objects[path].map { Self.json(200, $0) } ?? Self.status(404, "not found")
            case "POST":
                guard let body, let name = body["metadata"]?["name"]?.string else {
                    return Self.status(400, "no object")
                }
                guard state.objects["\(path)/\(name)"] == nil else { return Self.status(409, "already exists") }
                Self.put(body, "\(path)/\(name)", &state)
                return Self.json(201, body)
            case "PUT":
                guard let body, let before = state.objects[path] else { return Self.status(404, "not found") }
                guard body["metadata"]?["resourceVersion"] == before["metadata"]?["resourceVersion"] else {
                    return Self.status(409, "the object has been modified")
                }
                Self.put(body, path, &state)
                return Self.json(200, body)
            case "PATCH": return Self.patch(path, body, request, &state)
            default: return Self.status(405, "no such method")
            }
        }
    }

    private static func patch(
        _ path: String,
        _ body: JSONValue?,
        _ request: ScriptedRequest,
        _ state: inout State
    ) -> Script {
        guard request.headers["Content-Type"] == "application/json-patch+json" else { return status(415, "no patch") }
        guard var object = state.objects[path] else { return status(404, "not found") }
        for operation in body?.array ?? [] {
            let tokens = (operation["path"]?.string ?? "").split(separator: "/").map(String.init)
            if operation["op"] == .string("test") {
                guard tokens == ["metadata", "resourceVersion"],
                    operation["value"] == object["metadata"]?["resourceVersion"]
                else { return status(422, "the test failed") }
                continue
            }
            guard tokens.count == 4, tokens[0] == "webhooks", let index = Int(tokens[1]),
                var webhooks = object["webhooks"]?.array, webhooks.indices.contains(index),
                Array(tokens[2...]) == ["clientConfig", "caBundle"], var client = webhooks[index]["clientConfig"]
            else { return status(422, "no such place") }
            client["caBundle"] = operation["value"]
            webhooks[index]["clientConfig"] = client
            object["webhooks"] = .array(webhooks)
        }
        put(object, path, &state)
        return json(200, object)
    }

    private static func json(_ status: Int, _ value: JSONValue) -> Script {
        .respond(status, ["Content-Type": "application/json"], body: value.bytes)
    }

    private static func status(_ code: Int64, _ message: String) -> Script {
        json(
            Int(code),
            .object(["kind": .string("Status"), "code": .integer(code), "message": .string(message)])
        )
    }
}

/// Runs a fake cluster for the length of `body`, with a client that has a service account.
func withFakeCluster(_ body: (FakeCluster, KubernetesClient, _ account: String) async throws -> Void) async throws {
    let cluster = FakeCluster()
    try await withTemporaryDirectory { directory in
        try "darter".write(toFile: "\(directory)/namespace", atomically: true, encoding: .utf8)
        try "secret-token\n".write(toFile: "\(directory)/token", atomically: true, encoding: .utf8)
        try await withScriptedServer {
            cluster.answer($0)
        } body: { server in
            var configuration = KubernetesConfiguration()
            configuration.server = String(server.url().dropLast())
            configuration.account = directory
            let transport = CurlTransport(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            let client = try KubernetesClient(configuration, transport: transport, environment: [:])
            try await body(cluster, client, directory)
            await transport.shutdown()
        }
    }
}
