import Content
import Foundation
import TestSupport
import Testing

/// Content that the registry gives only to some.
@Suite(.serialized) struct PrivateContentTests {
    private let client = Client()

    @Test(arguments: [RegistryMode.basic, .token])
    func aCachedPrivateBlobIsGivenOnlyToWhomTheRegistryGivesIt(mode: RegistryMode) async throws {
        try await withTemporaryDirectory { directory in
            let image = try await makeImage(in: "\(directory)/image", layers: [0.7], seed: 21)
            try await withRegistry(mode) { registry in
                try await registry.push(image, as: "library/a:v1")
                try await withCluster(of: 2, registry: registry.url, in: directory) { supernode, daemons in
                    try await skopeoCopy(
                        from: "docker://\(daemons[0].proxy)/library/a:v1",
                        to: "dir:\(directory)/pulled",
                        sourceCredentials: registry.credentials
                    )
                    try image.verifyPulled(into: "\(directory)/pulled")
                    let wrong = ["Basic \(Data("u:wrong".utf8).base64EncodedString())", "Bearer e30.e30.e30"]
                    for blob in image.blobs {
                        let path = "/v2/library/a/blobs/\(blob)"
                        // One node has it cached, the other could get it from the supernode or the first node.
                        for daemon in daemons {
                            for authorization in [nil] + wrong.map(Optional.some) {
                                let headers: HeaderFields = authorization.map { ["Authorization": $0] } ?? [:]
                                let direct = try await client.send("GET", registry.url + path, headers)
                                let through = try await client.send("GET", "http://\(daemon.proxy)\(path)", headers)
                                #expect(through.status == 401)
                                #expect(through.headers["WWW-Authenticate"] == direct.headers["WWW-Authenticate"])
                                #expect(through.body == direct.body)
                            }
                        }
                    }
                    // A source of somebody's own proves nothing about the content.
                    try await expectAForeignSourceIsNoKey(supernode, image)
                    try await skopeoCopy(
                        from: "docker://\(daemons[1].proxy)/library/a:v1",
                        to: "dir:\(directory)/pulled1",
                        sourceCredentials: registry.credentials
                    )
                    try image.verifyPulled(into: "\(directory)/pulled1")
                    #expect(try await daemons[1].received(from: "origin") == 0)
                    try await expectNothingSecretIsListed(supernode)
                }
            }
        }
    }

    /// Somebody who knows a digest names a server of his own that says yes to everything.
    private func expectAForeignSourceIsNoKey(_ supernode: Supernode, _ image: TestImage) async throws {
        try await withScriptedServer { request in
            .content([1, 2, 3], for: request)
        } body: { server in
            let peer = try await FakePeer.register(at: supernode, port: 1)
            for blob in image.blobs {
                for url in [server.url("/v2/library/a/blobs/\(blob)"), nil] {
                    let answer = try await peer.join(url: url, digest: blob)
                    #expect(answer.status >= 400, "\(url ?? "no URL"): \(answer.text)")
                }
            }
        }
    }

    /// Ends the supernode, whose log is looked at, too.
    private func expectNothingSecretIsListed(_ supernode: Supernode) async throws {
        for path in ["/api/v1/tasks", "/api/v1/peers", "/metrics"] {
            let text = try await client.send("GET", "http://\(supernode.api)\(path)").text.lowercased()
            #expect(!text.contains("bearer "))
            #expect(!text.contains("basic "))
            #expect(!text.contains(Data("u:p".utf8).base64EncodedString().lowercased()))
        }
        let errors = await supernode.process.stopForErrors()
        for secret in ["Authorization", Data("u:p".utf8).base64EncodedString()] { #expect(!errors.contains(secret)) }
    }
}
