import Content
package import CurlTransport
import FoundationEssentials
package import NodeConfig

/// The few calls of the Kubernetes API that there are to make, as the pod's service account.
package struct KubernetesClient: Sendable {
    /// The pod's own namespace.
    package let namespace: String
    private let base: String
    private let account: String
    private let transport: CurlTransport
    private let options: TransferOptions

    /// The most that an answer may hold, in bytes: an object has at most 3 MiB.
    private static let answerLimit = 4 << 20

    /// The API server of the cluster that this is a pod of.
    package init(
        _ configuration: KubernetesConfiguration,
        transport: CurlTransport,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(ConfigError) {
        if !configuration.server.isEmpty {
            base = configuration.server.hasSuffix("/") ? String(configuration.server.dropLast()) : configuration.server
        } else if let host = environment["KUBERNETES_SERVICE_HOST"], let port = environment["KUBERNETES_SERVICE_PORT"] {
            base = "https://\(host.contains(":") ? "[\(host)]" : host):\(port)"
        } else {
            throw ConfigError(message: "kubernetes.server must be set: this is no pod (no KUBERNETES_SERVICE_HOST)")
        }
        account = configuration.account
        let own =
            configuration.namespace.isEmpty
            ? Self.text("\(account)/namespace") ?? "" : configuration.namespace
        guard isObjectName(own) else {
            throw ConfigError(message: "kubernetes.namespace must be set: there is no \(account)/namespace")
        }
        namespace = own
        self.transport = transport
        var options = TransferOptions()
        options.addresses = .any
        options.proxy = .none
        options.followRedirects = false
        options.connectTimeout = .seconds(3)
        options.totalTimeout = .seconds(10)
        options.lowSpeed = nil
        options.userAgent = "dfwebhook"
        let authority = "\(account)/ca.crt"
        if FileManager.default.fileExists(atPath: authority) { options.tls.caFile = authority }
        self.options = options
    }

    static func isBase(_ text: String) -> Bool {
        guard let url = ResourceURL(text) else { return false }
        return ["http", "https"].contains(url.scheme) && url.path == "/" && url.query == nil && url.userInfo == nil
    }

    func get(_ path: String) async throws(KubernetesError) -> JSONValue { try await send("GET", path) }

    /// Fails with ``KubernetesError/isConflict`` if it is there already.
    func create(_ path: String, _ object: JSONValue) async throws(KubernetesError) -> JSONValue {
        try await send("POST", path, object.bytes)
    }

    /// Fails with ``KubernetesError/isConflict`` if it has changed since it was read.
    func update(_ path: String, _ object: JSONValue) async throws(KubernetesError) -> JSONValue {
        try await send("PUT", path, object.bytes)
    }

    func patch(_ path: String, _ operations: [PatchOperation]) async throws(KubernetesError) -> JSONValue {
        try await send("PATCH", path, operations.document, type: "application/json-patch+json")
    }

    private func send(
        _ method: String,
        _ path: String,
        _ body: [UInt8]? = nil,
        type: String = "application/json"
    ) async throws(KubernetesError) -> JSONValue {
        var request = TransferRequest(url: base + path, method: method, options: options)
        request.headers["Accept"] = "application/json"
        if let body {
            request.body = .bytes(body)
            request.headers["Content-Type"] = type
        }
        // Tokens are replaced long before they end: the file has the one that is good.
        if let token = Self.text("\(account)/token") { request.credentials["Authorization"] = "Bearer \(token)" }
        let response: BufferedResponse
        do throws(TransferError) {
            response = try await transport.send(request, limit: Self.answerLimit)
        } catch {
            throw KubernetesError(status: nil, description: "\(base): \(error.message)")
        }
        let answer = try? JSONDecoder().decode(JSONValue.self, from: Data(response.body))
        guard (200..<300).contains(response.head.status) else {
            let message = answer?["message"]?.string.map { ": \($0.prefix(300))" } ?? ""
            let text = "\(method) \(path) was answered with \(response.head.status)\(message)"
            throw KubernetesError(status: response.head.status, description: text)
        }
        guard let answer else {
            throw KubernetesError(status: nil, description: "\(method) \(path): no JSON came back")
        }
        return answer
    }

    private static func text(_ path: String) -> String? {
        guard let bytes = FileManager.default.contents(atPath: path) else { return nil }
        let line = String(decoding: bytes, as: UTF8.self).prefix { !$0.isNewline }
        return line.isEmpty ? nil : String(line)
    }
}

/// Why a call of the Kubernetes API came to nothing.
package struct KubernetesError: Error, Sendable, CustomStringConvertible {
    /// What was answered; nil: nothing that could be understood.
    package let status: Int?
    /// One line for a person.
    package let description: String

    var isNotFound: Bool { status == 404 }
    /// Somebody else was faster: the object is there, or has changed (a test of a patch that fails is a 422).
    var isConflict: Bool { status == 409 || status == 422 }
}
