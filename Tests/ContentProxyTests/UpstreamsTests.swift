import Content
import CurlTransport
import NodeConfig
import Testing

@testable import ContentProxy

@Suite struct UpstreamsTests {
    private static func upstreams(_ yaml: String) throws -> Upstreams {
        var configuration = MirrorConfiguration()
        try RawConfig(yaml: yaml).bind(into: &configuration)
        return Upstreams(configuration, options: TransferOptions())
    }

    @Test(
        "About a tag a registry may say nothing for as long as clients are patient, and for 10 s at most",
        arguments: [("{}", 10), ("patience: 3s", 3), ("patience: 1m", 10)]
    )
    func patience(yaml: String, seconds: Int) throws {
        var configuration = MirrorConfiguration()
        try RawConfig(yaml: yaml).bind(into: &configuration)
        #expect(configuration.patienceWithTags == .seconds(seconds))
    }

    private static let several = """
        remote: https://registry.test:5000
        registries:
          - host: quay.io
          - host: Internal.test:8443
            url: http://10.0.0.5:5000
        allow: ["*.gcr.io", "ghcr.io"]
        """
    private static let digest = "sha256:" + String(repeating: "a", count: 64)

    @Test(
        "A request goes to the registry that it names",
        arguments: [
            ("/v2/lib/app/manifests/v1", nil, "https://registry.test:5000/v2/lib/app/manifests/v1"),
            ("/v2/lib/app/manifests/v1", "ns=quay.io", "https://quay.io/v2/lib/app/manifests/v1"),
            ("/v2/lib/app/tags/list", "n=2&ns=QUAY.io&last=a", "https://quay.io/v2/lib/app/tags/list?n=2&last=a"),
            ("/v2/quay.io/lib/app/manifests/v1", nil, "https://quay.io/v2/lib/app/manifests/v1"),
            ("/v2/quay.io/lib/app/manifests/v1", "ns=quay.io", "https://quay.io/v2/quay.io/lib/app/manifests/v1"),
            ("/v2/internal.test:8443/a/b/tags/list", nil, "http://10.0.0.5:5000/v2/a/b/tags/list"),
            ("/v2/internal.test%3A8443/a/b/tags/list", nil, "http://10.0.0.5:5000/v2/a/b/tags/list"),
            ("/v2/a/b/tags/list", "ns=internal.test%3a8443", "http://10.0.0.5:5000/v2/a/b/tags/list"),
            (
                "/v2/docker.io/nginx/manifests/latest", nil,
                "https://registry-1.docker.io/v2/library/nginx/manifests/latest"
            ),
            (
                "/v2/index.docker.io/org/app/manifests/latest", nil,
                "https://registry-1.docker.io/v2/org/app/manifests/latest"
            ),
            (
                "/v2/nginx/tags/list", "ns=registry-1.docker.io",
                "https://registry-1.docker.io/v2/library/nginx/tags/list"
            ),
            ("/v2/eu.gcr.io/p/app/tags/list", nil, "https://eu.gcr.io/v2/p/app/tags/list"),
            ("/v2/p/app/tags/list", "ns=ghcr.io", "https://ghcr.io/v2/p/app/tags/list"),
            // Not a registry of this node: a repository of the remote.
            ("/v2/other.io/app/tags/list", nil, "https://registry.test:5000/v2/other.io/app/tags/list"),
            ("/v2/", nil, "https://registry.test:5000/v2/"), ("/v2/quay.io/", nil, "https://quay.io/v2/"),
            ("/v2/registry.test:5000/app/tags/list", nil, "https://registry.test:5000/v2/app/tags/list"),
            (
                "/v2/app/blobs/uploads/", "mount=x&from=y",
                "https://registry.test:5000/v2/app/blobs/uploads/?mount=x&from=y"
            ),
        ]
    )
    func named(path: String, query: String?, url: String) throws {
        #expect(try Self.upstreams(Self.several).target(path: path, query: query).url == url)
    }

    @Test(
        "A registry that is not configured is never dialled",
        arguments: [
            ("/v2/app/tags/list", "ns=evil.test"), ("/v2/app/tags/list", "ns=127.0.0.1"),
            ("/v2/app/tags/list", "ns=gcr.io"), ("/v2/app/tags/list", "ns=ghcr.io:444@evil.test"),
            ("/v2/app/tags/list", "ns=ghcr.io/x"), ("/v2/app/tags/list", "ns=quay.io&ns=ghcr.io"),
            ("/v2/app/tags/list", "ns=%ff"), ("/v2/app/tags/list", "ns="), ("/v2/app/tags/list", "ns=a.ghcr.io"),
        ]
    )
    func unknown(path: String, query: String) throws {
        #expect(throws: Upstreams.Refusal.unknownRegistry) {
            try Self.upstreams(Self.several).target(path: path, query: query)
        }
    }

    @Test(
        "What is no path of the API is no request for a registry",
        arguments: ["/", "/v1/x", "/v2/quay.io/../x/tags/list", "/v2/App/tags/list", "/v2/quay.io//tags/list"]
    )
    func noEndpoint(path: String) throws {
        #expect(throws: Upstreams.Refusal.noEndpoint) {
            try Self.upstreams(Self.several).target(path: path, query: nil)
        }
    }

    @Test("Without a remote every request has to name its registry")
    func noRemote() throws {
        let upstreams = try Self.upstreams("remote: null")
        #expect(throws: Upstreams.Refusal.unknownRegistry) { try upstreams.target(path: "/v2/a/tags/list", query: nil) }
        let hub = try upstreams.target(path: "/v2/docker.io/a/tags/list", query: nil)
        #expect(hub.url == "https://registry-1.docker.io/v2/library/a/tags/list")
    }

    @Test("The remote has the settings of the registry that it is")
    func settings() throws {
        let upstreams = try Self.upstreams(
            """
            remote: https://hub.test
            registries: [{host: docker.io, url: "https://hub.test", insecure: true}]
            """
        )
        let target = try upstreams.target(path: "/v2/nginx/tags/list", query: nil)
        #expect(target.upstream.options.tls.verify == false)
        #expect(target.url == "https://hub.test/v2/library/nginx/tags/list")
    }

    @Test(
        "A registry has one set of settings, by whatever name",
        arguments: [["a.test", "A.test"], ["docker.io", "index.docker.io"]]
    )
    func twice(names: [String]) {
        let entries = names.map { "{host: \($0)}" }.joined(separator: ", ")
        #expect(throws: ConfigError.self) { try Self.upstreams("registries: [\(entries)]") }
    }

    @Test(
        "What leads to the registry leads here",
        arguments: [
            ("/v2/a/tags/list", nil, "/v2/a/tags/list?n=1&last=b", "/v2/a/tags/list?n=1&last=b"),
            ("/v2/quay.io/a/tags/list", nil, "/v2/a/tags/list?n=1", "/v2/quay.io/a/tags/list?n=1"),
            ("/v2/quay.io/a/tags/list", nil, "https://quay.io/v2/a/blobs/uploads/1", "/v2/quay.io/a/blobs/uploads/1"),
            ("/v2/a/tags/list", "ns=quay.io", "/v2/a/tags/list?n=1", "/v2/a/tags/list?n=1&ns=quay.io"),
            ("/v2/a/tags/list", "ns=quay.io", "/v2/a/blobs/uploads/1", "/v2/a/blobs/uploads/1?ns=quay.io"),
            ("/v2/quay.io/a/tags/list", nil, "https://cdn.test/v2/a", "https://cdn.test/v2/a"),
            ("/v2/quay.io/a/tags/list", nil, "https://quay.io/other", "https://quay.io/other"),
        ]
    )
    func rewritten(path: String, query: String?, reference: String, expected: String) throws {
        let target = try Self.upstreams(Self.several).target(path: path, query: query)
        #expect(target.rewritten(reference) == expected)
        #expect(
            target.rewritten(link: "<\(reference)>; rel=\"next\", <x>; rel=y")
                == "<\(expected)>; rel=\"next\", <x>; rel=y"
        )
    }
}
