import BackendAPI
import Content
import FileBackend
import Logging
import NodeConfig
import TestSupport

/// A backend of `plugin: file` for these roots.
func fileBackend(roots: [String]) throws -> any Backend {
    let yaml = "roots:\n" + roots.map { "  - \($0)\n" }.joined()
    return try FilePlugin(logger: Logger(label: "test")).makeBackend(RawConfig(yaml: yaml, file: "test.yml"))
}

func withFileOrigin(_ body: (ConformanceOrigin) async throws -> Void) async throws {
    try await withTemporaryDirectory { root in
        try await body(
            ConformanceOrigin(
                backend: try fileBackend(roots: [root]),
                traits: [.mutable, .answersUnsatisfiable, .validators],
                put: { name, bytes in
                    try replaceFile("\(root)/\(name)", with: bytes)
                    return Resource(url: try resourceURL("file://\(root)/\(name)"))
                },
                missing: Resource(url: try resourceURL("file://\(root)/missing"))
            )
        )
    }
}
