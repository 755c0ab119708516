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
                    if mode == .none {
                        // That the node has blobs from elsewhere does not mean that the registry has them in the new place.
                        for (name, pushed) in [("b", other), ("c", image)] {
                            let target = "docker://\(daemons[0].proxy)/registry.test/library/\(name):v1"
                            try await skopeoCopy(from: pushed.reference, to: target)
                            let reference = registry.reference("library/\(name):v1")
                            try await skopeoCopy(from: reference, to: "dir:\(directory)/\(name)")
                            try pushed.verifyPulled(into: "\(directory)/\(name)")
                        }
                    } else {
                        try await expectOwnLoginForWriting(daemons[0], image)
                    }
                    for daemon in daemons {
                        let errors = await daemon.process.stopForErrors()
                        #expect(!errors.contains(Data("u:p".utf8).base64EncodedString()))
                    }
                }
            }
        }
    }

    /// The node's login is there for reading.
    private func expectOwnLoginForWriting(_ daemon: Daemon, _ image: TestImage) async throws {
        let login = "Basic \(Data("u:p".utf8).base64EncodedString())"
        for form in ["/v2/registry.test/library/b/blobs/uploads/", "/v2/library/b/blobs/uploads/?ns=registry.test"] {
            let refused = try await client.send("POST", "http://\(daemon.proxy)\(form)")
            #expect(refused.status == 401, "\(form)")
        }
        let manifest = "http://\(daemon.proxy)/v2/registry.test/library/a/manifests/\(image.manifest)"
        #expect(try await client.send("DELETE", manifest).status == 401)
        let uploads = "http://\(daemon.proxy)/v2/registry.test/library/b/blobs/uploads/"
        #expect(try await client.send("POST", uploads, ["Authorization": login]).status == 202)
    }

    @Test(
        "A push through the remote is the client's own, whatever this node has already",
        arguments: RegistryMode.allCases
    )
    func pushes(mode: RegistryMode) async throws {
        try await withTemporaryDirectory { directory in
            let image = try await makeImage(in: "\(directory)/image", layers: [0.5, 0.2], seed: 305)
            try await withRegistry(mode) { registry in
                try await registry.push(image, as: "library/a:v1")
                try await withCluster(of: 1, registry: registry.url, in: directory) { _, daemons in
                    let proxy = "docker://\(daemons[0].proxy)"
                    try await skopeoCopy(
                        from: "\(proxy)/library/a:v1",
                        to: "dir:\(directory)/a",
                        sourceCredentials: registry.credentials
                    )
                    try await skopeoCopy(
                        from: image.reference,
                        to: "\(proxy)/library/b:v1",
                        destinationCredentials: registry.credentials
                    )
                    try await skopeoCopy(
                        from: registry.reference("library/b:v1"),
                        to: "dir:\(directory)/b",
                        sourceCredentials: registry.credentials
                    )
                    try image.verifyPulled(into: "\(directory)/b")
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
