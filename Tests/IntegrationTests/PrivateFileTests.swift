import Content
import Foundation
import TestSupport
import Testing

/// Files that their origin gives only to some.
@Suite(.serialized) struct PrivateFileTests {
    private static let bytes = randomBytes(600_000, seed: 111)
    private static let secret = "Basic \(Data("user:secret".utf8).base64EncodedString())"

    private static func answer(_ request: ScriptedRequest) -> Script {
        request.headers["Authorization"] == secret
            ? .content(bytes, for: request, ["ETag": "\"one\"", "Cache-Control": "max-age=600"])
            : .challenge("Basic realm=\"private\"")
    }

    @Test func aCachedFileIsGivenOnlyToWhomTheOriginGivesIt() async throws {
        try await withTemporaryDirectory { directory in
            try await withScriptedServer {
                Self.answer($0)
            } body: { origin in
                try await withCluster(of: 1, registry: "http://127.0.0.1:1", in: directory) { supernode, daemons in
                    let tool = try Dfget(in: directory)
                    let home = URL(filePath: daemons[0].socket).deletingLastPathComponent().path
                    let ways = [["-n", supernode.api], ["--home", home]]
                    for (number, way) in ways.enumerated() {
                        let mine = tool.output("mine\(number)")
                        let url = origin.url("/file")
                        _ = try await tool.get(
                            way + ["-o", mine, "--header", "Authorization: \(Self.secret)", url]
                        )
                        #expect(try fileDigest(mine) == Digest.of(Self.bytes))
                        for header in [[], ["--header", "Authorization: Basic dXNlcjp3cm9uZw=="]] {
                            let refused = try await tool.fails(way + ["-o", tool.output("theirs"), url] + header)
                            #expect(refused.code == 6, "\(refused.line)")
                            #expect(refused.lines == 1)
                        }
                    }
                    #expect(try tool.outputs() == ["mine0", "mine1"])
                    // In the URL they are as good, and go no further either.
                    let inURL = "http://user:secret@\(origin.authority)/file"
                    _ = try await tool.get(["-n", supernode.api, "-o", tool.output("mine2"), inURL])
                    #expect(try fileDigest(tool.output("mine2")) == Digest.of(Self.bytes))
                    let logs = await supernode.process.stopForErrors() + daemons[0].process.stopForErrors()
                    for secret in ["secret", String(Self.secret.dropFirst(6))] { #expect(!logs.contains(secret)) }
                }
            }
        }
    }
}
