public import BackendAPI
internal import Content
public import CurlTransport
internal import OriginTransfer
internal import RegistryProtocol

/// Fetches blobs and manifests of container registries, logging in as each registry wants it.
///
/// A request's own credentials are used instead of the configured ones: user and password for the token server, a
/// Bearer token as it is. They go to the registry and its token server only, not along to blob storage.
public struct RegistryBackend: Backend {
    private let origin: HTTPOrigin
    private let authenticator: RegistryAuthenticator
    private let configuration: RegistryConfiguration

    private static let longestTagPage = 8 << 20
    private static let mostTagPages = 10_000

    /// A backend that goes through `transport`, with `defaults` for what `configuration` does not say.
    public init(transport: CurlTransport, defaults: TransferOptions, configuration: RegistryConfiguration) {
        let options = configuration.transfers.options(over: defaults)
        self.configuration = configuration
        origin = HTTPOrigin(transport: transport, options: options) { RegistryReason.text(in: $0) }
        authenticator = RegistryAuthenticator(transport: TokenServer(transport: transport, options: options))
    }

    /// Ranges, and listing of tags.
    public let capabilities: BackendCapabilities = [.ranges, .listing]

    /// A GET of a blob, a manifest or another path of the registry's API.
    public func fetch(_ request: OriginRequest, into sink: any ContentSink) async throws(BackendError) {
        let (request, path) = try prepared(request)
        try await login(request, path).run { fields throws(BackendError) in
            try await origin.fetch(request, credentials: fields, into: sink, refine: Self.refinement(path))
        }
    }

    /// A HEAD of the same.
    public func head(_ request: OriginRequest) async throws(BackendError) -> ContentHead {
        let (request, path) = try prepared(request)
        return try await login(request, path).run { fields throws(BackendError) in
            try await origin.head(request, credentials: fields, refine: Self.refinement(path))
        }
    }

    /// The tags of a repository (`/v2/<name>/tags/list`), page after page.
    public func list(_ request: OriginRequest) async throws(BackendError) -> [ListedEntry] {
        var (request, path) = try prepared(request)
        guard case .tags = path else {
            throw BackendError(.unsupported, "\(request.resource.url): only tags can be listed")
        }
        request.range = nil
        request.condition = nil
        var entries: [ListedEntry] = []
        var seen: Set<ResourceURL> = []
        while seen.insert(request.resource.url).inserted, seen.count <= Self.mostTagPages {
            let (head, bytes) = try await page(request, path)
            guard let list = TagList(json: bytes) else {
                throw BackendError(.protocolViolation, "\(request.resource.url): not a list of tags")
            }
            entries += list.tags.map { ListedEntry(name: $0, kind: .file) }
            guard let next = TagList.nextPage(head.headers, from: request.resource.url) else { return entries }
            request.resource = Resource(url: next, headers: request.resource.headers)
        }
        throw BackendError(.protocolViolation, "\(request.resource.url): the list of tags does not end")
    }

    private func page(
        _ request: OriginRequest,
        _ path: RegistryPath
    ) async throws(BackendError) -> (ContentHead, [UInt8]) {
        let login = try login(request, path)
        return try await login.run { fields throws(BackendError) in
            let sink = CollectingSink(limit: Self.longestTagPage)
            try await origin.fetch(request, credentials: fields, into: sink)
            return (sink.head ?? ContentHead(), sink.bytes)
        }
    }

    private func login(_ request: OriginRequest, _ path: RegistryPath) throws(BackendError) -> RegistryLogin {
        try RegistryLogin(
            request,
            repository: path.repository,
            configuration: configuration,
            authenticator: authenticator
        )
    }

    /// The request as the registry is to get it.
    private func prepared(_ request: OriginRequest) throws(BackendError) -> (OriginRequest, RegistryPath) {
        let url = request.resource.url
        guard let path = RegistryPath(url.path) else {
            throw BackendError(.invalidRequest, "\(url): not a path of a registry")
        }
        var resource = request.resource
        if configuration.plainHTTP, url.scheme == "https", let plain = ResourceURL("http" + url.text.dropFirst(5)) {
            resource = Resource(url: plain, headers: resource.headers, digest: resource.digest, tag: resource.tag)
        }
        if case .manifest = path, !resource.headers.contains("Accept") {
            resource.headers["Accept"] = ManifestMediaType.all.joined(separator: ", ")
        }
        var request = request
        request.resource = resource
        return (request, path)
    }

    /// What is asked for by its digest has that digest and never changes, whether or not the registry says so.
    private static func refinement(_ path: RegistryPath) -> HTTPOrigin.Refinement {
        let named: Digest? =
            switch path {
            case .blob(_, let digest), .manifest(_, .digest(let digest)): digest
            default: nil
            }
        return { head throws(BackendError) in
            guard let named else { return head }
            if let told = head.digest, told.algorithm == named.algorithm, told != named {
                throw BackendError(.protocolViolation, "the registry sent \(told) for \(named)")
            }
            var head = head
            head.digest = named
            head.freshness.isImmutable = true
            return head
        }
    }
}
