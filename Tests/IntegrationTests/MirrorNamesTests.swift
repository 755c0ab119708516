import Content
import Foundation
import TestSupport
import Testing

/// Images by the names that a runtime without credentials for them uses: the registry in front of the repository.
@Suite(.serialized) struct MirrorNamesTests {
    private let client = Client()

    @Test(arguments: RegistryMode.allCases)
    func imagesArePulledAndPushedUnderTheirRegistrysName(mode: RegistryMode) async throws {
        try await withTemporaryDirectory { directory in
            let image = try await makeImage(in: "\(directory)/image", layers: [1.5, 0.2], seed: 301)
            let other = try await makeImage(in: "\(directory)/other", layers: [0.4], seed: 302)
            try await withRegistry(mode) { registry in
                try await registry.push(image, as: "library/a:v1")
                let login = mode == .none ? "" : ", username: u, password: p"
                let registries = "{host: registry.test, url: \"\(registry.url)\"\(login)}"
                try await withCluster(of: 2, registry: "http://127.0.0.1:1", registries: registries, in: directory) {
                    _,
                    daemons in
                    for (number, daemon) in daemons.enumerated() {
                        let target = "\(directory)/pulled\(number)"
                        let name = "docker://\(daemon.proxy)/registry.test/library/a:v1"
                        try await skopeoCopy(from: name, to: "dir:\(target)")
                        try image.verifyPulled(into: target)
                    }
                    for (blob, bytes) in try await registry.blobBytes(of: image) {
                        #expect(bytes == (try image.size(of: blob)), "\(blob)")
                    }
                    let pushed = "docker://\(daemons[0].proxy)/registry.test/library/b:v1"
                    try await skopeoCopy(from: other.reference, to: pushed)
                    try await skopeoCopy(
                        from: registry.reference("library/b:v1"),
                        to: "dir:\(directory)/b",
                        sourceCredentials: registry.credentials
                    )
                    try other.verifyPulled(into: "\(directory)/b")
                    for daemon in daemons {
                        let errors = await daemon.process.stopForErrors()
                        #expect(!errors.contains(Data("u:p".utf8).base64EncodedString()))
                    }
                }
            }
        }
    }

    @Test(.enabled(if: geteuid() == 0, "containerd needs root"), arguments: [RegistryMode.none, .token])
    func containerdPullsUnderTheNodesOwnName(mode: RegistryMode) async throws {
        try await withTemporaryDirectory { directory in
            let image = try await makeImage(in: "\(directory)/image", layers: [1, 0.1], seed: 303)
            try await withRegistry(mode) { registry in
                try await registry.push(image, as: "library/a:v1")
                let login = mode == .none ? "" : ", username: u, password: p"
                let registries = "{host: registry.test, url: \"\(registry.url)\"\(login)}"
                try await withCluster(of: 1, registry: "http://127.0.0.1:1", registries: registries, in: directory) {
                    _,
                    daemons in
                    try await withContainerd { runtime in
                        let digest = try await runtime.pull("\(daemons[0].proxy)/registry.test/library/a:v1")
                        #expect(digest == image.manifest)
                    }
                }
            }
        }
    }

    @Test func whoMayNotIsAskedForUserAndPassword() async throws {
        try await withTemporaryDirectory { directory in
            let image = try await makeImage(in: "\(directory)/image", layers: [0.3], seed: 304)
            try await withRegistry(.token) { registry in
                try await registry.push(image, as: "library/a:v1")
                let registries = "{host: registry.test, url: \"\(registry.url)\"}"
                try await withCluster(of: 1, registry: "http://127.0.0.1:1", registries: registries, in: directory) {
                    _,
                    daemons in
                    let url = "http://\(daemons[0].proxy)/v2/registry.test/library/a/manifests/v1"
                    let refused = try await client.send("GET", url)
                    #expect(refused.status == 401)
                    #expect(refused.headers["WWW-Authenticate"] == "Basic realm=\"registry.test\"")
                    let basic = "Basic \(Data("u:p".utf8).base64EncodedString())"
                    let accept = "application/vnd.oci.image.manifest.v1+json"
                    let manifest = try await client.send("GET", url, ["Authorization": basic, "Accept": accept])
                    #expect(manifest.status == 200)
                    #expect(manifest.digest == image.manifest)
                    // It is here now, and still not for everybody.
                    let byDigest = "http://\(daemons[0].proxy)/v2/registry.test/library/a/manifests/\(image.manifest)"
                    for authorization in [nil, "Bearer e30.e30.e30", "Basic \(Data("u:x".utf8).base64EncodedString())"]
                    {
                        var headers: HeaderFields = ["Accept": accept]
                        headers["Authorization"] = authorization
                        for url in [url, byDigest] {
                            #expect(try await client.send("GET", url, headers).status == 401)
                        }
                    }
                }
            }
        }
    }

    @Test func aNodeWithoutARemoteSaysThatThereIsARegistry() async throws {
        try await withTemporaryDirectory { directory in
            let configuration = Configurations.daemon(home: "\(directory)/home", supernodes: [])
                .replacing("remote: \"http://127.0.0.1:1\"", with: "remote: null")
            try await withDaemon(configuration, in: directory) { daemon in
                let ping = try await client.send("GET", "http://\(daemon.proxy)/v2/")
                #expect(ping.status == 200)
                #expect(ping.headers["Docker-Distribution-Api-Version"] == "registry/2.0")
                #expect(try await client.send("GET", "http://\(daemon.proxy)/v2/a/tags/list").status == 404)
            }
        }
    }
    @Test func theBaseIsAnsweredByTheRegistryThatIsNamed() async throws {
        try await withTemporaryDirectory { directory in
            try await withRegistry(.token) { registry in
                let registries = "{host: registry.test, url: \"\(registry.url)\"}"
                let configuration = Configurations.daemon(
                    home: "\(directory)/home",
                    supernodes: [],
                    registries: registries
                )
                try await withDaemon(configuration, in: directory) { daemon in
                    let direct = try await client.send("GET", "\(registry.url)/v2/")
                    for method in ["GET", "HEAD"] {
                        let named = try await client.send(method, "http://\(daemon.proxy)/v2/?ns=registry.test")
                        #expect(named.status == 401)
                        #expect(named.headers["WWW-Authenticate"] == direct.headers["WWW-Authenticate"])
                        #expect(named.headers["OCI-Namespace"] == "registry.test")
                    }
                    let prefixed = try await client.send("GET", "http://\(daemon.proxy)/v2/registry.test/")
                    // The node has got a token for nobody in particular.
                    #expect(prefixed.status == 200)
                    #expect(try await client.send("GET", "http://\(daemon.proxy)/v2/?ns=other.test").status == 404)
                    // The remote is out of reach.
                    #expect(try await client.send("GET", "http://\(daemon.proxy)/v2/").status == 200)
                }
            }
        }
    }
}
