import AdmissionWebhook
import NodeConfig
import RegistryProtocol
import Testing

/// What becomes of single images.
@Suite struct ImageRewriteTests {
    private static let digest = "sha256:" + String(repeating: "0123456789abcdef", count: 4)
    private static let hub = "127.0.0.1:65001/docker.io"
    private static let mirror = "127.0.0.1:65001"
    private static let long = String(repeating: "a", count: 200)

    /// Rules that let every registry be, as most of the table is about names.
    private static func rules(_ text: String = "registries: {include: ['*']}") throws -> RewriteConfiguration {
        var rules = RewriteConfiguration()
        try ConfigFile.parse(text: text, file: "x.yml", into: &rules)
        return rules
    }

    @Test(
        "An image gets the mirror and its registry's name in front; tag and digest stay as they are written",
        arguments: [
            ("nginx", "\(hub)/library/nginx"),
            ("nginx:1", "\(hub)/library/nginx:1"),
            ("nginx:latest", "\(hub)/library/nginx:latest"),
            ("nginx:1.25.3-alpine", "\(hub)/library/nginx:1.25.3-alpine"),
            ("nginx:V1_x.Y-z", "\(hub)/library/nginx:V1_x.Y-z"),
            ("nginx@\(digest)", "\(hub)/library/nginx@\(digest)"),
            ("nginx:1@\(digest)", "\(hub)/library/nginx:1@\(digest)"),
            ("library/nginx", "\(hub)/library/nginx"),
            ("library/nginx:1", "\(hub)/library/nginx:1"),
            ("bitnami/redis", "\(hub)/bitnami/redis"),
            ("bitnami/redis:7", "\(hub)/bitnami/redis:7"),
            ("a/b/c", "\(hub)/a/b/c"),
            ("a/b/c/d/e:1", "\(hub)/a/b/c/d/e:1"),
            ("docker.io/nginx", "\(hub)/library/nginx"),
            ("docker.io/nginx:1", "\(hub)/library/nginx:1"),
            ("docker.io/library/nginx", "\(hub)/library/nginx"),
            ("docker.io/library/nginx:1@\(digest)", "\(hub)/library/nginx:1@\(digest)"),
            ("docker.io/bitnami/redis", "\(hub)/bitnami/redis"),
            ("index.docker.io/library/nginx", "\(hub)/library/nginx"),
            ("index.docker.io/nginx:1", "\(hub)/library/nginx:1"),
            ("registry-1.docker.io/library/nginx:1", "\(hub)/library/nginx:1"),
            ("registry-1.docker.io/bitnami/redis", "\(hub)/bitnami/redis"),
            ("0", "\(hub)/library/0"),
            ("a", "\(hub)/library/a"),
            ("a__b", "\(hub)/library/a__b"),
            ("a--b", "\(hub)/library/a--b"),
            ("a---b/c.d", "\(hub)/a---b/c.d"),
            ("a.b", "\(hub)/library/a.b"),
            ("nginx:_1", "\(hub)/library/nginx:_1"),
            (
                "nginx:\(String(repeating: "1", count: 128))",
                "\(hub)/library/nginx:\(String(repeating: "1", count: 128))"
            ),
            ("127/a", "\(hub)/127/a"),
            ("quay.io/org/app", "\(mirror)/quay.io/org/app"),
            ("quay.io/org/app:v1", "\(mirror)/quay.io/org/app:v1"),
            ("quay.io/org/app:v1@\(digest)", "\(mirror)/quay.io/org/app:v1@\(digest)"),
            ("quay.io/app", "\(mirror)/quay.io/app"),
            ("QUAY.io/app", "\(mirror)/quay.io/app"),
            ("gcr.io/google-containers/pause:3.9", "\(mirror)/gcr.io/google-containers/pause:3.9"),
            ("registry.k8s.io/pause:3.9", "\(mirror)/registry.k8s.io/pause:3.9"),
            ("registry.k8s.io/etcd:3.5.9-0", "\(mirror)/registry.k8s.io/etcd:3.5.9-0"),
            ("ghcr.io/owner/repo/image:sha-1234", "\(mirror)/ghcr.io/owner/repo/image:sha-1234"),
            ("public.ecr.aws/docker/library/busybox:1", "\(mirror)/public.ecr.aws/docker/library/busybox:1"),
            (
                "123456789012.dkr.ecr.us-east-1.amazonaws.com/app:1",
                "\(mirror)/123456789012.dkr.ecr.us-east-1.amazonaws.com/app:1"
            ),
            ("mcr.microsoft.com/dotnet/runtime:8.0", "\(mirror)/mcr.microsoft.com/dotnet/runtime:8.0"),
            ("xn--bcher-kva.example/app", "\(mirror)/xn--bcher-kva.example/app"),
            ("10.1.2.3/app", "\(mirror)/10.1.2.3/app"),
            ("1.2/app", "\(mirror)/1.2/app"),
            ("a.b.c.d.e/f", "\(mirror)/a.b.c.d.e/f"),
            ("REG/app", "\(mirror)/reg/app"),
            ("docker.io.example.com/app", "\(mirror)/docker.io.example.com/app"),
            ("localhost.example.com/app", "\(mirror)/localhost.example.com/app"),
            ("127.0.0.1.example.com/app", "\(mirror)/127.0.0.1.example.com/app"),
        ] as [(String, String)]
    )
    func rewritten(image: String, result: String) throws {
        let rules = try Self.rules()
        #expect(rules.decision(on: image, hasPullSecrets: false) == .rewritten(to: result))
        // What comes out is a reference with the same tag and digest, and stays as it is from then on.
        let (before, after) = (ImageReference(image), ImageReference(result))
        #expect(after?.tag == before?.tag)
        #expect(after?.digest == before?.digest)
        #expect(rules.decision(on: result, hasPullSecrets: false) == .kept(.mirrored))
    }

    @Test(
        "An image stays that is none, or that dfdaemon could not get",
        arguments: [
            ("", .invalid), (" nginx", .invalid), ("nginx ", .invalid), ("nginx:", .invalid), ("nginx:1:2", .invalid),
            (":1", .invalid), ("@\(digest)", .invalid), ("nginx@", .invalid), ("nginx@sha256:1234", .invalid),
            ("nginx@\(digest)@\(digest)", .invalid), ("nginx@md5:d41d8cd98f00b204e9800998ecf8427e", .invalid),
            ("Nginx", .invalid), ("library/Nginx", .invalid), ("nginx:-1", .invalid), ("nginx:.1", .invalid),
            ("nginx:\(String(repeating: "1", count: 129))", .invalid), ("/nginx", .invalid), ("nginx/", .invalid),
            ("a//b", .invalid), ("a/../b", .invalid), ("-a", .invalid), ("a-", .invalid), ("a___b", .invalid),
            ("a..b", .invalid), ("a._b", .invalid), ("ünicode", .invalid), ("nginx\n", .invalid),
            ("nginx\u{0}", .invalid),
            ("http://quay.io/app", .invalid), ("quay.io:x/app", .invalid), ("quay.io:99999/app", .invalid),
            ("quay.io:/app", .invalid), ("-quay.io/app", .invalid), ("quay..io/app", .invalid), ("quay.io/", .invalid),
            ("[::1/app", .invalid), ("[]/app", .invalid), ("{{ .Values.image }}", .invalid), ("$(IMAGE)", .invalid),
            (String(repeating: "0123456789abcdef", count: 4), .invalid),
            (String(repeating: "a", count: 2000), .invalid),
            ("localhost/app", .local), ("localhost:5000/app:1", .local), ("reg.localhost/app", .local),
            ("127.0.0.1/app", .local), ("127.0.0.1:5000/app", .local), ("127.1.2.3:5000/app", .local),
            ("[::1]:5000/app", .local), ("[::1]/app", .local), ("127.0.0.1:65002/docker.io/library/nginx", .local),
            ("quay.io:443/app", .port), ("registry.example.com:5000/a/b:1", .port), ("10.0.0.1:5000/a", .port),
            ("[2001:db8::1]:5000/app", .port), ("docker.io:443/app", .port), ("reg:5000/app", .port),
            ("[2001:db8::1]/app", .noName), ("quay.io/\(long)/\(String(repeating: "b", count: 54))", .noName),
            ("127.0.0.1:65001/docker.io/library/nginx", .mirrored), ("127.0.0.1:65001/anything", .mirrored),
            ("127.0.0.1:65001/", .mirrored), (digest, .neverPulled),
        ] as [(String, KeptReason)]
    )
    func kept(image: String, reason: KeptReason) throws {
        #expect(try Self.rules().decision(on: image, hasPullSecrets: false) == .kept(reason))
    }

    @Test(
        "The configuration says which",
        arguments: [
            ("{}", "quay.io/a", false, .kept(.registry)),
            ("{}", "nginx", false, .rewritten(to: "\(hub)/library/nginx")),
            ("registries: {include: ['*.io'], exclude: [docker.io]}", "nginx", false, .kept(.registry)),
            (
                "registries: {include: ['*.io'], exclude: [docker.io]}", "quay.io/a", false,
                .rewritten(to: "\(mirror)/quay.io/a")
            ),
            ("registries: {include: []}", "nginx", false, .kept(.registry)),
            ("registries: {include: ['docker.i?']}", "index.docker.io/a", false, .rewritten(to: "\(hub)/library/a")),
            ("images: {exclude: ['docker.io/library/*']}", "nginx:1", false, .kept(.image)),
            (
                "images: {exclude: ['docker.io/library/*']}", "bitnami/redis", false,
                .rewritten(to: "\(hub)/bitnami/redis")
            ),
            ("images: {exclude: ['*:latest']}", "nginx:latest", false, .kept(.image)),
            ("images: {exclude: ['*:latest']}", "nginx", false, .rewritten(to: "\(hub)/library/nginx")),
            ("images: {include: ['*@sha256:*']}", "nginx:1", false, .kept(.image)),
            (
                "images: {include: ['*@sha256:*']}", "nginx:1@\(digest)", false,
                .rewritten(to: "\(hub)/library/nginx:1@\(digest)")
            ),
            (
                "mirror: 'node.example:80'", "nginx:1", false,
                .rewritten(to: "node.example:80/docker.io/library/nginx:1")
            ),
            ("mirror: 'node.example:80'", "node.example:80/x", false, .kept(.mirrored)),
            ("mirror: '[::1]:65001'", "nginx", false, .rewritten(to: "[::1]:65001/docker.io/library/nginx")),
            (
                "{registries: {include: ['*']}, registry_names: {'r.example.com:5000': r.example.com}}",
                "r.example.com:5000/a/b:1", false, .rewritten(to: "\(mirror)/r.example.com/a/b:1")
            ),
            (
                "{registries: {include: ['*']}, registry_names: {'r.example.com:5000': r.example.com}}",
                "r.example.com:5001/a", false, .kept(.port)
            ),
            (
                "{registries: {include: ['r.*']}, registry_names: {'R.example.com:5000': inner}}",
                "R.example.com:5000/a", false, .rewritten(to: "\(mirror)/inner/a")
            ),
            (
                "{registries: {include: [inner]}, registry_names: {'r.example.com:5000': inner}}",
                "r.example.com:5000/a", false, .rewritten(to: "\(mirror)/inner/a")
            ),
            (
                "{registries: {include: ['*'], exclude: [inner]}, registry_names: {'r.example.com:5000': inner}}",
                "r.example.com:5000/a", false, .kept(.registry)
            ),
            ("{}", "nginx", true, .kept(.secrets)),
            ("image_pull_secrets: rewrite", "nginx", true, .rewritten(to: "\(hub)/library/nginx")),
            ("credentials: [docker.io]", "nginx", true, .rewritten(to: "\(hub)/library/nginx")),
            ("credentials: ['*.example.com']", "nginx", true, .kept(.secrets)),
            (
                """
                {registries: {include: ['*']}, credentials: [r.example.com],
                 registry_names: {'r.example.com:5000': r.example.com}}
                """,
                "r.example.com:5000/a", true, .rewritten(to: "\(mirror)/r.example.com/a")
            ),
        ] as [(String, String, Bool, ImageDecision)]
    )
    func configured(text: String, image: String, hasSecrets: Bool, decision: ImageDecision) throws {
        #expect(try Self.rules(text).decision(on: image, hasPullSecrets: hasSecrets) == decision)
    }

    @Test(
        "A mistake in the rules is refused",
        arguments: [
            ("mirror: nowhere", "mirror"), ("mirror: 'a:1/b'", "mirror"), ("mirror: 'A b'", "mirror"),
            ("mirror: ''", "mirror"), ("registry_names: {'a b': c}", "registry_names"),
            ("registry_names: {'a.b:1': 'c/d'}", "registry_names"),
            ("registry_names: {'a.b:1': 'c:1'}", "registry_names"),
            ("registries: {include: ['']}", "include"), ("ignore: [{}]", "labels"), ("opt_in: perhaps", "opt_in"),
            ("image_pull_secrets: never", "image_pull_secrets"), ("regstries: {}", "registries"),
        ]
    )
    func mistakes(text: String, word: String) {
        let error = #expect(throws: ConfigError.self) { try Self.rules(text) }
        #expect(error?.description.contains(word) == true, "\(String(describing: error))")
    }

    @Test(
        "A pattern's star stands for anything",
        arguments: [
            ("*", "", true), ("*", "a/b:c", true), ("a*", "a", true), ("a*", "ba", false), ("*a", "ba", true),
            ("a*b*c", "aXbYbZc", true), ("a*b*c", "aXbYbZ", false), ("?", "a", true), ("?", "", false),
            ("a?c", "abc", true), ("**", "", true), ("a**b", "ab", true), ("", "", true), ("", "a", false),
            ("*.example.com", "example.com", false), ("*.example.com", "a.b.example.com", true),
            (String(repeating: "*a", count: 50) + "b", String(repeating: "a", count: 5000), false),
        ]
    )
    func globs(pattern: String, text: String, matches: Bool) {
        #expect(Glob(pattern).matches(text) == matches)
    }
}
