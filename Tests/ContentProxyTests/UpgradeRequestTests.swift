import HTTPTypes
import Hummingbird
import NIOCore
import Testing

@testable import ContentProxy

@Suite struct UpgradeRequestTests {
    private static func request(_ fields: HTTPFields, body: String = "") -> Request {
        Request(
            head: HTTPRequest(method: .get, scheme: "http", authority: "h", path: "/chat?a=b", headerFields: fields),
            body: .init(buffer: ByteBuffer(string: body))
        )
    }

    @Test(
        "Other protocols than HTTP and TLS get a connection of their own",
        arguments: [
            ("websocket", "Upgrade", true), ("WebSocket", "keep-alive, Upgrade", true), ("tcp", "upgrade", true),
            ("h2c", "Upgrade, HTTP2-Settings", false), ("TLS/1.0, HTTP/1.1", "Upgrade", false),
            ("h2c, websocket", "Upgrade", true), ("websocket", "close", false), (" , ", "Upgrade", false),
        ]
    )
    func decides(upgrade: String, connection: String, expected: Bool) {
        let request = Self.request([.upgrade: upgrade, .connection: connection])
        #expect(TunnelResponder.isUpgrade(request) == expected)
    }

    @Test func goesOnWithoutWhatTheClientSaysOfItsOwnConnection() throws {
        let name = try #require(HTTPField.Name("X-Mine"))
        let request = Self.request(
            [
                .connection: "Upgrade, X-Mine", .upgrade: "websocket", .proxyAuthorization: "Basic eDp5",
                .authorization: "Bearer t",
                name: "1", .cookie: "a=b",
            ],
            body: "hi"
        )
        let text = String(
            decoding: UpgradeRequest.bytes(request, host: "h:8080", body: ByteBuffer(string: "hi")),
            as: UTF8.self
        )
        #expect(text.hasPrefix("GET /chat?a=b HTTP/1.1\r\nHost: h:8080\r\n"))
        #expect(text.hasSuffix("\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\nhi"))
        let lower = text.lowercased()
        for kept in ["upgrade: websocket", "authorization: bearer t", "cookie: a=b"] {
            #expect(lower.contains("\r\n\(kept)\r\n"))
        }
        for gone in ["proxy-authorization", "x-mine"] { #expect(!lower.contains(gone)) }
    }
}
