import BackendAPI
import Content
import Foundation
import Synchronization
import TestSupport
import Testing

/// What only registries have: logins, storage elsewhere, tags.
@Suite struct RegistryBackendTests {
    static let blob = randomBytes(200_000, seed: 7)
    static var path: String { "/v2/lib/a/blobs/\(Digest.of(blob))" }

    static func request(_ url: String, _ credentials: Credentials = Credentials()) throws -> OriginRequest {
        OriginRequest(resource: Resource(url: try resourceURL(url)), credentials: credentials)
    }

    @Test(.timeLimit(.minutes(1)), arguments: RegistryMode.allCases)
    func pullsAnImageFromARealRegistry(_ mode: RegistryMode) async throws {
        try await withTemporaryDirectory { directory in
            let image = try await makeImage(in: directory, layers: [0.3, 0.2], seed: 3)
            try await withRegistry(mode) { registry in
                try await registry.push(image, as: "library/a:v1")
                let login = mode == .none ? "{}" : "username: u\npassword: p"
                let backend = try registryBackend(login)
                let manifest = try Self.request("\(registry.url)/v2/library/a/manifests/v1")
                let (head, bytes) = try await backend.content(manifest, limit: 1 << 20)
                #expect(Digest.of(bytes) == image.manifest)
                #expect(head.digest == image.manifest)
                #expect(head.headers["Content-Type"] == "application/vnd.oci.image.manifest.v1+json")
                for digest in image.blobs {
                    let blob = try Self.request("\(registry.url)/v2/library/a/blobs/\(digest)")
                    let content = try await backend.content(blob, limit: 1 << 24)
                    #expect(Digest.of(content.bytes) == digest)
                    #expect(content.head.digest == digest)
                }
                let tags = try await backend.list(try Self.request("\(registry.url)/v2/library/a/tags/list"))
                #expect(tags.map(\.name) == ["v1"])

                guard mode != .none else { return }
                let stranger = try registryBackend()
                let refused = await failure { () throws(BackendError) in _ = try await stranger.head(manifest) }
                #expect(refused?.code == .unauthorized)
                #expect(refused?.challenges.isEmpty == false)
                let registrant = OriginRequest(
                    resource: manifest.resource,
                    credentials: .basic(user: "u", password: "p")
                )
                #expect(try await stranger.head(registrant).digest == image.manifest)
            }
        }
    }

    /// A registry and its token server in one; blobs only for tokens among `valid`.
    private static func answer(
        _ request: ScriptedRequest,
        realm: String,
        valid: @autoclosure () -> Set<String>,
        token: @autoclosure () -> String
    ) -> Script {
        if request.path == "/token" { return .respond(200, body: Array(#"{"token":"\#(token())"}"#.utf8)) }
        guard let sent = request.headers["Authorization"], valid().contains(sent) else {
            return .challenge(#"Bearer realm="\#(realm)",service="s",scope="repository:lib/a:pull""#)
        }
        return .content(blob, for: request)
    }

    @Test func asksForOneTokenWhenManyWantOne() async throws {
        try await withScriptedServer { request in
            Self.answer(
                request,
                realm: "http://\(request.headers["Host"] ?? "")/token",
                valid: ["Bearer t"],
                token: "t"
            )
        } body: { server in
            let backend = try registryBackend("username: u\npassword: p")
            let request = try Self.request(server.url(Self.path))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<12 {
                    group.addTask {
                        let content = try await backend.content(request, limit: 1 << 20)
                        #expect(content.bytes == Self.blob)
                    }
                }
                try await group.waitForAll()
            }
            let asked = server.requests.filter { $0.path == "/token" }
            #expect(asked.count == 1)
            #expect(asked.first?.query == "service=s&scope=repository%3Alib%2Fa%3Apull")
            #expect(
                asked.first?.headers["Authorization"]
                    == Credentials.basic(user: "u", password: "p").headers["Authorization"]
            )
        }
    }

    @Test func refreshesAStaleTokenOnce() async throws {
        let current = Mutex(1)
        try await withScriptedServer { request in
            let number = current.withLock { $0 }
            return Self.answer(
                request,
                realm: "http://\(request.headers["Host"] ?? "")/token",
                valid: ["Bearer t\(number)"],
                token: "t\(number)"
            )
        } body: { server in
            let backend = try registryBackend()
            let request = try Self.request(server.url(Self.path))
            _ = try await backend.head(request)
            current.withLock { $0 = 2 }
            #expect(try await backend.content(request, limit: 1 << 20).bytes == Self.blob)
            #expect(server.requests.count { $0.path == "/token" } == 2)
        }
    }

    @Test func givesUpOnTokensThatAreNeverTaken() async throws {
        try await withScriptedServer { request in
            Self.answer(
                request,
                realm: "http://\(request.headers["Host"] ?? "")/token",
                valid: [],
                token: "t\(request.number)"
            )
        } body: { server in
            let backend = try registryBackend()
            let request = try Self.request(server.url(Self.path))
            let sink = CollectingSink(limit: 1 << 20)
            let error = await failure { () throws(BackendError) in try await backend.fetch(request, into: sink) }
            #expect(error?.code == .unauthorized)
            #expect(error?.challenges.count == 1)
            #expect(server.requests.count == 3)
        }
    }

    @Test func sendsARegistrantsTokenAsItIs() async throws {
        try await withScriptedServer { request in
            Self.answer(request, realm: "http://127.0.0.1:9/token", valid: ["Bearer own"], token: "")
        } body: { server in
            let backend = try registryBackend("username: u\npassword: p")
            let request = try Self.request(server.url(Self.path), .bearer("own"))
            #expect(try await backend.content(request, limit: 1 << 20).bytes == Self.blob)
            let other = try Self.request(server.url(Self.path), .bearer("other"))
            let error = await failure { () throws(BackendError) in _ = try await backend.head(other) }
            #expect(error?.code == .unauthorized)
            #expect(server.requests.allSatisfy { $0.headers["Authorization"]?.hasPrefix("Bearer o") == true })
        }
    }

    @Test func leavesTheLoginBehindOnTheWayToStorage() async throws {
        try await withScriptedServer { request in
            .content(Self.blob, for: request)
        } body: { storage in
            let target = storage.url("/bucket/blob?signature=1")
            try await withScriptedServer { request in
                guard request.headers["Authorization"] != nil else { return .challenge("Basic realm=\"r\"") }
                return .redirect(to: target, status: 307)
            } body: { server in
                let backend = try registryBackend("username: u\npassword: p")
                var request = try Self.request(server.url(Self.path))
                request.range = .from(100_000)
                let (head, bytes) = try await backend.content(request, limit: 1 << 20)
                #expect(head.range == ByteRange(100_000..<200_000))
                #expect(bytes == Array(Self.blob[100_000...]))
                #expect(storage.requests.count == 1)
                #expect(storage.requests.first?.headers["Authorization"] == nil)
            }
        }
    }

    /// Whoever a registry redirects to must not get the login by asking for it.
    @Test func answersNoChallengeOfAPlaceThatItWasRedirectedTo() async throws {
        try await withScriptedServer { request in
            request.path == "/token"
                ? .respond(200, body: Array(#"{"token":"t"}"#.utf8))
                : .challenge(#"Bearer realm="http://\#(request.headers["Host"] ?? "")/token""#)
        } body: { thief in
            let target = thief.url("/blob")
            try await withScriptedServer { _ in
                .redirect(to: target, status: 307)
            } body: { server in
                let backend = try registryBackend("username: u\npassword: p")
                let request = try Self.request(server.url(Self.path))
                let error = await failure { () throws(BackendError) in _ = try await backend.head(request) }
                #expect(error?.code == .unauthorized)
                #expect(error?.challenges == [])
                #expect(thief.requests.allSatisfy { $0.path != "/token" && $0.headers["Authorization"] == nil })
            }
        }
    }

    @Test func followsThePagesOfTags() async throws {
        try await withScriptedServer { request in
            switch request.query {
            case nil:
                .respond(
                    200,
                    ["Link": "</v2/lib/a/tags/list?n=2&last=b>; rel=\"next\""],
                    body: Array(#"{"name":"lib/a","tags":["a","b"]}"#.utf8)
                )
            default: .respond(200, body: Array(#"{"name":"lib/a","tags":["c"]}"#.utf8))
            }
        } body: { server in
            let tags = try await registryBackend().list(try Self.request(server.url("/v2/lib/a/tags/list")))
            #expect(tags.map(\.name) == ["a", "b", "c"])
        }
    }

    @Test(.timeLimit(.minutes(1))) func endsOnTagsThatLeadInACircle() async throws {
        try await withScriptedServer { request in
            let next = request.query == "p=1" ? "p=2" : "p=1"
            return .respond(
                200,
                ["Link": "</v2/lib/a/tags/list?\(next)>; rel=\"next\""],
                body: Array(#"{"name":"lib/a","tags":["a"]}"#.utf8)
            )
        } body: { server in
            let request = try Self.request(server.url("/v2/lib/a/tags/list"))
            let backend = try registryBackend()
            let error = await failure { () throws(BackendError) in _ = try await backend.list(request) }
            #expect(error?.code == .protocolViolation)
            #expect(server.requests.count == 3)
        }
    }

    @Test func saysWhyTheRegistryRefused() async throws {
        try await withScriptedServer { _ in
            .respond(404, body: Array(#"{"errors":[{"code":"BLOB_UNKNOWN","message":"not here"}]}"#.utf8))
        } body: { server in
            let request = try Self.request(server.url(Self.path))
            let sink = CollectingSink(limit: 1)
            let backend = try registryBackend()
            let error = await failure { () throws(BackendError) in try await backend.fetch(request, into: sink) }
            #expect(error?.code == .notFound)
            #expect(error?.message.hasSuffix("BLOB_UNKNOWN: not here") == true)
        }
    }

    @Test func refusesAnotherDigestThanAskedFor() async throws {
        let other = Digest.of("other").description
        try await withScriptedServer { request in
            .content(Self.blob, for: request, ["Docker-Content-Digest": other])
        } body: { server in
            let request = try Self.request(server.url(Self.path))
            let backend = try registryBackend()
            let error = await failure { () throws(BackendError) in _ = try await backend.head(request) }
            #expect(error?.code == .protocolViolation)
        }
    }

    @Test func takesLoginsFromADockerConfigThatChanges() async throws {
        let right = Credentials.basic(user: "d", password: "w").headers["Authorization"] ?? ""
        try await withTemporaryDirectory { directory in
            try await withScriptedServer { request in
                request.headers["Authorization"] == right
                    ? .content(Self.blob, for: request) : .challenge("Basic realm=\"r\"")
            } body: { server in
                let file = "\(directory)/config.json"
                func write(_ login: String) throws {
                    let auth = Data(login.utf8).base64EncodedString()
                    let text = #"{"auths":{"\#(server.authority)":{"auth":"\#(auth)"}}}"#
                    try replaceFile(file, with: Array(text.utf8))
                }
                try write("d:wrong-one")
                let backend = try registryBackend("docker_config: \(file)")
                let request = try Self.request(server.url(Self.path))
                let error = await failure { () throws(BackendError) in _ = try await backend.head(request) }
                #expect(error?.code == .unauthorized)
                try write("d:w")
                #expect(try await backend.head(request).length == 200_000)
            }
        }
    }

    @Test func speaksPlainHTTPWhereItIsToldTo() async throws {
        try await withScriptedServer { request in
            .content(Self.blob, for: request)
        } body: { server in
            let request = try Self.request("https://\(server.authority)\(Self.path)")
            #expect(try await registryBackend("plain_http: true").head(request).length == 200_000)
        }
    }

    @Test(arguments: ["/", "/v2/lib/a/blobs/sha256:12", "/v2/lib/../a/tags/list", "/file"])
    func knowsPathsOfRegistriesOnly(_ path: String) async throws {
        let request = try Self.request("https://registry.invalid\(path)")
        let backend = try registryBackend()
        let error = await failure { () throws(BackendError) in _ = try await backend.head(request) }
        #expect(error?.code == .invalidRequest)
    }
}
