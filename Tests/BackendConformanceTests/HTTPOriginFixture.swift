import BackendAPI
import Content
import CurlTransport
import HTTPBackend
import Logging
import NodeConfig
import TestSupport

/// Options that let tests talk to servers on loopback.
var loopbackOptions: TransferOptions {
    var options = TransferOptions()
    options.addresses = .guarded(allow: NetworkPrefix.loopback)
    options.proxy = .none
    return options
}

/// A backend of `plugin: http` with these keys.
func httpBackend(_ yaml: String = "{}", options: TransferOptions = loopbackOptions) throws -> any Backend {
    let transport = CurlTransport(logger: Logger(label: "test"))
    return try HTTPPlugin(transport: transport, defaults: options)
        .makeBackend(RawConfig(yaml: yaml, file: "test.yml"))
}

func resourceURL(_ text: String) throws -> ResourceURL {
    guard let url = ResourceURL(text) else { throw BackendError(.invalidRequest, "no URL: \(text)") }
    return url
}

func withHTTPOrigin(_ body: (ConformanceOrigin) async throws -> Void) async throws {
    let backend = try httpBackend()
    try await withTemporaryDirectory { root in
        try makeReadable(root)
        try await withNginx(root: root) { server in
            try await body(
                ConformanceOrigin(
                    backend: backend,
                    traits: [.mutable, .answersUnsatisfiable, .validators],
                    put: { name, bytes in
                        try replaceFile("\(root)/\(name)", with: bytes)
                        return Resource(url: try resourceURL("\(server.url)/\(name)"))
                    },
                    missing: Resource(url: try resourceURL("\(server.url)/missing"))
                )
            )
        }
    }
}
