import BackendAPI
import Content
import CurlTransport
import Logging
import NodeConfig
import RegistryBackend
import TestSupport

/// A backend of `plugin: registry` with these keys.
func registryBackend(_ yaml: String = "{}", options: TransferOptions = loopbackOptions) throws -> any Backend {
    let transport = CurlTransport(logger: Logger(label: "test"))
    return try RegistryPlugin(transport: transport, defaults: options)
        .makeBackend(RawConfig(yaml: yaml, file: "test.yml"))
}

/// Uploads a blob in one go (distribution-spec, "POST then PUT") to a registry that wants no login.
func pushBlob(_ bytes: [UInt8], to registry: String, _ repository: String, _ transport: CurlTransport) async throws {
    let options = loopbackOptions
    let start = TransferRequest(url: "\(registry)/v2/\(repository)/blobs/uploads/", method: "POST", options: options)
    let session = try await transport.send(start, limit: 1 << 16)
    guard let location = session.head.fields["Location"] else {
        throw BackendError(.protocolViolation, "no upload", status: session.head.status)
    }
    let place = location.hasPrefix("/") ? registry + location : location
    let url = place + (place.contains("?") ? "&" : "?") + "digest=\(Digest.of(bytes))"
    var finish = TransferRequest(url: url, method: "PUT", options: options)
    finish.headers = ["Content-Type": "application/octet-stream"]
    finish.body = .bytes(bytes)
    let status = try await transport.send(finish, limit: 1 << 16).head.status
    guard status == 201 else { throw BackendError(.protocolViolation, "no blob", status: status) }
}

func withRegistryOrigin(_ body: (ConformanceOrigin) async throws -> Void) async throws {
    let backend = try registryBackend()
    let transport = CurlTransport(logger: Logger(label: "test"))
    try await withRegistry { registry in
        let missing = Digest.of("nothing")
        try await body(
            ConformanceOrigin(
                backend: backend,
                traits: .validators,
                put: { name, bytes in
                    try await pushBlob(bytes, to: registry.url, "suite/\(name)", transport)
                    let url = try resourceURL("\(registry.url)/v2/suite/\(name)/blobs/\(Digest.of(bytes))")
                    return Resource(url: url)
                },
                missing: Resource(url: try resourceURL("\(registry.url)/v2/suite/a/blobs/\(missing)"))
            )
        )
    }
}
