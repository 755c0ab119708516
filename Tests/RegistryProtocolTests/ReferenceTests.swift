import Content
import RegistryProtocol
import Testing

@Suite struct ReferenceTests {
    @Test(arguments: [
        ("nginx", "docker.io/library/nginx", "latest"), ("nginx:1.2", "docker.io/library/nginx:1.2", "1.2"),
        ("user/app", "docker.io/user/app", "latest"), ("docker.io/nginx", "docker.io/library/nginx", "latest"),
        ("index.docker.io/nginx:x", "docker.io/library/nginx:x", "x"), ("docker.io/a/b", "docker.io/a/b", "latest"),
        ("quay.io/org/app:v1", "quay.io/org/app:v1", "v1"), ("localhost/a", "localhost/a", "latest"),
        ("localhost:5000/a", "localhost:5000/a", "latest"), ("localhost:5000/a:5000", "localhost:5000/a:5000", "5000"),
        ("foo:5000", "docker.io/library/foo:5000", "5000"), ("host:5000/a/b/c", "host:5000/a/b/c", "latest"),
        ("[::1]:5000/a:b", "[::1]:5000/a:b", "b"), ("[fd00::1]/a", "[fd00::1]/a", "latest"),
        ("127.0.0.1:80/a", "127.0.0.1:80/a", "latest"),
        ("Host/a", "Host/a", "latest"), ("a-b.c/d__e/f---g", "a-b.c/d__e/f---g", "latest"),
        ("a@" + digestText, "docker.io/library/a@" + digestText, digestText),
        ("r.io/a:t@" + digestText, "r.io/a:t@" + digestText, digestText), ("a:_", "docker.io/library/a:_", "_"),
        ("library/nginx", "docker.io/library/nginx", "latest"), ("a__b", "docker.io/library/a__b", "latest"),
    ])
    func readsWhatPeopleWrite(text: String, full: String, reference: String) throws {
        let image = try #require(ImageReference(text))
        #expect(image.description == full)
        #expect(image.reference.description == reference)
        #expect(ImageReference(full) == image)
    }

    @Test(arguments: [
        "", ":", "@", "a:", "a@", ":a", "/a", "a/", "a//b", "Nginx", "user/App", "a b", "a:b c", "a:-x", "a:.x", "a..b",
        "-a", "a-", "a._b",
        "a___b", "https://a/b", "a:b:c/d", "host:0/a", "host:65536/a", "host:x/a", "host:/a", "a@sha256:abc",
        "a@md5:" + String(repeating: "0", count: 32),
        "a@SHA256:" + String(repeating: "0", count: 64), "a_b.io/x", String(repeating: "a", count: 64), "é", "a:é",
        "a:" + String(repeating: "x", count: 129),
        "host.io/" + String(repeating: "a", count: 256), String(repeating: "a/", count: 2000) + "a", "-h.io/a",
        "h-.io/a", "h..io/a", "[::1/a", "[x]/a",
        "a\n", "a:b\n", "a/../b", "a/./b", "..", "%61", "٣", "host.io/a@b@" + digestText, "u@host.io/a",
    ])
    func refusesWhatBreaksTheGrammar(text: String) {
        #expect(ImageReference(text) == nil)
    }

    @Test func knowsDockerHubsOtherName() {
        #expect(ImageReference("nginx")?.apiHost == "registry-1.docker.io")
        #expect(ImageReference("quay.io/a")?.apiHost == "quay.io")
    }

    @Test func limitsLengths() {
        #expect(RepositoryName(String(repeating: "a", count: 255)) != nil)
        #expect(RepositoryName(String(repeating: "a", count: 256)) == nil)
        #expect(TagName(String(repeating: "a", count: 128)) != nil)
    }

    @Test(arguments: [
        "/v2/", "/v2/_catalog", "/v2/a/blobs/" + digestText, "/v2/a/b/c/manifests/v1.0",
        "/v2/a/manifests/" + digestText, "/v2/a/tags/list",
        "/v2/a/referrers/" + digestText, "/v2/a/blobs/uploads/", "/v2/a/blobs/uploads/0b3c_-.=~",
        "/v2/blobs/blobs/" + digestText,
        "/v2/manifests/manifests/manifests", "/v2/a/tags/manifests/list", "/v2/a/blobs/uploads/manifests/x",
        "/v2/v2/tags/list",
    ])
    func readsPathsAndWritesThemBack(path: String) throws {
        #expect(try #require(RegistryPath(path)).description == path)
    }

    @Test func readsPathParts() throws {
        let name = try #require(RepositoryName("lib/a"))
        let digest = try #require(Digest(digestText))
        #expect(RegistryPath("/v2/lib/a/blobs/\(digestText)") == .blob(name, digest))
        #expect(RegistryPath("/v2/lib/a/blobs/sha256%3A\(digest.hex)") == .blob(name, digest))
        #expect(RegistryPath("/v2/lib/a/manifests/latest") == .manifest(name, .tag(.latest)))
        #expect(RegistryPath("/v2/lib/a/manifests/\(digestText)") == .manifest(name, .digest(digest)))
        #expect(RegistryPath("/v2/lib/a/blobs/uploads/") == .upload(name, session: nil))
        #expect(RegistryPath("/v2") == .base)
        #expect(RegistryPath("/v2/lib/a/tags/list")?.repository == name)
        #expect(RegistryPath("/v2/")?.repository == nil)
        let long = Digest.of("x", .sha512)
        #expect(RegistryPath("/v2/lib/a/blobs/\(long)") == .blob(name, long))
    }

    @Test(arguments: [
        "", "/", "v2/", "/v1/", "/v22/", "/v2/a", "/v2/a/", "/v2//a/tags/list", "/v2/a/tags/list/", "/v2/a/tags/other",
        "/v2/A/tags/list",
        "/v2/a/blobs/", "/v2/a/blobs/x", "/v2/a/blobs/sha256:abc",
        "/v2/a/blobs/md5:" + String(repeating: "0", count: 32), "/v2/a/blobs/uploads",
        "/v2/../a/tags/list", "/v2/a/../tags/list", "/v2/%2e%2e/tags/list", "/v2/a%2f..%2fb/tags/list",
        "/v2/a%00/tags/list", "/v2/a%zz/tags/list",
        "/v2/a/manifests/", "/v2/a/manifests/-x", "/v2/a/manifests/a/b", "/v2/a/manifests/a%20b",
        "/v2/blobs/" + digestText, "/v2/tags/list",
        "/v2/_catalog/", "/v2/a/blobs/uploads/x/y", "/v2/a/blobs/uploads/x%0a", "/V2/", "//v2/",
        "/v2/" + String(repeating: "a/", count: 3000) + "tags/list",
        "/v2/a/referrers/latest", "/v2/a/unknown/x", "/v2/./a/tags/list", "/v2/a%FF/tags/list", "/v2/a?x/tags/list",
    ])
    func refusesOtherPaths(path: String) {
        #expect(RegistryPath(path) == nil)
    }
}
