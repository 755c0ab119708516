import Content
import TestSupport
import Testing

@testable import CurlTransport

@Suite struct ProxyTests {
    @Test(
        arguments: [
            (["http_proxy": "p"], "http://h/", "p"), (["HTTP_PROXY": "p"], "http://h/", nil),
            (["https_proxy": "p"], "http://h/", nil), (["HTTPS_PROXY": "p"], "https://h/", "p"),
            (["all_proxy": "p"], "https://h/", "p"), (["ALL_PROXY": "a", "http_proxy": "p"], "http://h/", "p"),
            (["http_proxy": "", "all_proxy": "a"], "http://h/", nil),
            (["http_proxy": "p", "no_proxy": "x, h"], "http://h/", nil),
            (["http_proxy": "p", "NO_PROXY": ".example.org"], "http://a.example.org/", nil),
            (["http_proxy": "p", "no_proxy": "example.org"], "http://example.org/", nil),
            (["http_proxy": "p", "no_proxy": "example.org"], "http://notexample.org/", "p"),
            (["http_proxy": "p", "no_proxy": "*"], "http://h/", nil),
            (["http_proxy": "p", "no_proxy": ""], "http://h/", "p"),
            (["http_proxy": "p", "no_proxy": "10.0.0.0/8"], "http://10.1.2.3/", nil),
            (["http_proxy": "p", "no_proxy": "10.0.0.0/8"], "http://11.1.2.3/", "p"),
            (["http_proxy": "p", "no_proxy": "[fd00::1]"], "http://[fd00::1]/", nil),
        ] as [([String: String], String, String?)]
    )
    func variablesAreReadAsCurlReadsThem(variables: [String: String], url: String, expected: String?) throws {
        #expect(ProxyEnvironment(variables).proxy(for: try #require(ResourceURL(url))) == expected)
    }

    @Test func theProxyOfTheEnvironmentIsAskedAndMayBeOnLoopback() async throws {
        try await withScriptedServer { request in
            .respond(body: Array(request.target.utf8))
        } body: { proxy in
            try await withTransport(environment: ["http_proxy": proxy.url()]) { transport in
                var request = TransferRequest(url: "http://origin.invalid/x")
                let response = try await transport.fetch(request)
                #expect(response.body == Array("http://origin.invalid/x".utf8))
                request.options.proxy = .none
                let error = await failure { try await transport.fetch(request) }
                #expect(error?.code == .cannotResolve)
                request.options.proxy = .url(proxy.url())
                let again = try await transport.fetch(request)
                #expect(again.head.status == 200)
            }
        }
    }

    @Test(arguments: [
        "http://127.0.0.1/", "http://[::1]/", "http://169.254.169.254/", "http://localhost/", "http://a.localhost./",
    ])
    func aProxyIsNoWayAroundTheGuard(url: String) async throws {
        try await withScriptedServer { _ in
            .respond()
        } body: { proxy in
            try await withTransport(environment: ["http_proxy": proxy.url()]) { transport in
                let error = await failure {
                    try await transport.fetch(TransferRequest(url: url))
                }
                #expect(error?.code == .addressRefused)
                #expect(proxy.requests.isEmpty)
            }
        }
    }

    @Test func aTunnelThatIsRefusedIsNoResponseAndGetsNoCredentials() async throws {
        try await withScriptedServer { _ in
            .respond(403, ["X-Proxy": "1"])
        } body: { proxy in
            try await withTransport(environment: ["https_proxy": proxy.url()]) { transport in
                var request = TransferRequest(url: "https://origin.invalid/x")
                request.credentials = ["Authorization": "s", "X-Token": "s"]
                let sink = RecordingSink()
                let error = await failure { [request] in
                    try await transport.perform(request, into: sink)
                }
                #expect(error?.curlCode == 56)
                #expect(sink.heads == 0)
                let connect = try #require(proxy.requests.first)
                #expect(connect.method == "CONNECT")
                #expect(!connect.headers.contains("Authorization") && !connect.headers.contains("X-Token"))
            }
        }
    }

    @Test(
        "A server behind a proxy counts as public, unless its address says otherwise, and may not redirect into a private network",
        arguments: [("origin.invalid", true), ("203.0.113.7", true), ("10.9.9.9", false)]
    )
    func redirectBehindAProxy(host: String, isRefused: Bool) async throws {
        try await withScriptedServer { request in
            request.path.hasSuffix("/from")
                ? .respond(302, ["Location": "http://10.1.2.3/to"]) : .respond(200, body: Array("to".utf8))
        } body: { proxy in
            try await withTransport(environment: ["http_proxy": proxy.url()]) { transport in
                var request = TransferRequest(url: "http://\(host)/from")
                request.options.addresses = .guarded(allow: NetworkPrefix.loopback)
                let sink = RecordingSink()
                var refusal: TransferError?
                do throws(TransferError) {
                    _ = try await transport.perform(request, into: sink)
                } catch {
                    refusal = error
                }
                #expect(refusal?.code == (isRefused ? .addressRefused : nil))
                #expect(proxy.requests.count == (isRefused ? 1 : 2))
            }
        }
    }
}
