import Content
import CurlTransport
import Foundation
import Logging
import Synchronization
import TestSupport
import Testing

/// The real dfwebhook, asked as kube-apiserver asks it.
@Suite(.serialized) struct WebhookTests {
    private static let mirrored = "127.0.0.1:65001/docker.io/library/nginx:1"

    // MARK: Asking

    private static func review(
        _ version: String = "v1",
        image: String = "nginx:1",
        dryRun: Bool = false,
        operation: String = #""operation": "CREATE""#,
        object: String? = nil,
        old: String = "null"
    ) -> String {
        let pod = #"{"metadata": {"name": "web"}, "spec": {"containers": [{"name": "app", "image": "\#(image)"}]}}"#
        return """
            {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/\(version)", "request": {"uid": "42",
             "kind": {"group": "", "version": "v1", "kind": "Pod"},
             "resource": {"group": "", "version": "v1", "resource": "pods"},
             "namespace": "default", \(operation), "object": \(object ?? pod), "oldObject": \(old), "dryRun": \(dryRun)}}
            """
    }

    private struct Answer: Decodable {
        struct Response: Decodable {
            let uid: String
            let allowed: Bool
            let patchType: String?
            let patch: Data?
        }

        let apiVersion: String
        let kind: String
        let response: Response

        struct Operation: Decodable {
            let op: String
            let path: String
        }

        /// Operation and path of each.
        var operations: [String] {
            get throws {
                guard let patch = response.patch else { return [] }
                return try JSONDecoder().decode([Operation].self, from: patch).map { "\($0.op) \($0.path)" }
            }
        }

        var text: String { response.patch.map { String(decoding: $0, as: UTF8.self) } ?? "" }
    }

    private static let transport = CurlTransport(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })

    private static func post(_ body: String, to webhook: String, trust: String) async throws -> BufferedResponse {
        var request = TransferRequest(url: "https://\(webhook)/mutate?timeout=10s", method: "POST")
        request.options.addresses = .any
        request.options.proxy = .none
        request.options.tls.caFile = trust
        request.headers["Content-Type"] = "application/json"
        request.body = .bytes(Array(body.utf8))
        return try await transport.send(request, limit: 1 << 20)
    }

    private static func ask(_ body: String, _ webhook: Webhook, trust: String) async throws -> Answer {
        let response = try await post(body, to: webhook.webhook, trust: trust)
        #expect(response.head.status == 200)
        #expect(response.head.fields["Content-Type"] == "application/json")
        return try JSONDecoder().decode(Answer.self, from: Data(response.body))
    }

    /// Asks until the answer is what is waited for.
    private static func until(
        _ webhook: Webhook,
        trust: String,
        image: String = "nginx:1",
        _ isDone: (String) -> Bool
    ) async throws {
        while !isDone(try await ask(review(image: image), webhook, trust: trust).text) {
            try Task.checkCancellation()
            await Task.yield()
        }
    }

    private func withFiles(_ body: (_ directory: String, CertificateFiles) async throws -> Void) async throws {
        try await withTemporaryDirectory { directory in
            try await body(directory, try await CertificateFiles(in: "\(directory)/tls"))
        }
    }

    private static func configuration(_ files: CertificateFiles, _ more: String = "") -> String {
        """
        webhook: {address: "127.0.0.1:0", notice: 0s, tls: {certificate: \(files.certificate), key: \(files.key)}}
        health: {address: "127.0.0.1:0"}
        \(more)
        """
    }

    // MARK: Reviews

    @Test("Reviews of both versions, dry runs, image volumes and ephemeral containers are answered over TLS")
    func reviews() async throws {
        try await withFiles { directory, files in
            try await withWebhook(Self.configuration(files), in: directory) { webhook in
                for version in ["v1", "v1beta1"] {
                    let answer = try await Self.ask(Self.review(version), webhook, trust: files.authority)
                    #expect(answer.apiVersion == "admission.k8s.io/\(version)")
                    #expect(answer.kind == "AdmissionReview")
                    #expect(answer.response.uid == "42")
                    #expect(answer.response.allowed)
                    #expect(answer.response.patchType == "JSONPatch")
                    #expect(try answer.operations == ["replace /spec/containers/0/image", "add /metadata/annotations"])
                    #expect(answer.text.contains(Self.mirrored))
                    let dry = try await Self.ask(Self.review(version, dryRun: true), webhook, trust: files.authority)
                    #expect(dry.response.patch == answer.response.patch)
                }
                func pod(_ ephemeral: String) -> String {
                    #"{"metadata": {}, "spec": {"containers": [], "ephemeralContainers": [\#(ephemeral)]}}"#
                }
                let debug = Self.review(
                    operation: #""operation": "UPDATE", "subResource": "ephemeralcontainers""#,
                    object: pod(#"{"name": "debug", "image": "busybox"}"#),
                    old: pod("")
                )
                let answer = try await Self.ask(debug, webhook, trust: files.authority)
                #expect(try answer.operations == ["replace /spec/ephemeralContainers/0/image"])
                let volume = #"{"name": "data", "image": {"reference": "nginx:1"}}"#
                let mounting = Self.review(
                    object: #"{"metadata": {}, "spec": {"containers": [], "volumes": [\#(volume)]}}"#
                )
                let mounted = try await Self.ask(mounting, webhook, trust: files.authority)
                #expect(try mounted.operations.first == "replace /spec/volumes/0/image/reference")
                #expect(mounted.text.contains(Self.mirrored))
                let mirrored = try await Self.ask(Self.review(image: Self.mirrored), webhook, trust: files.authority)
                #expect(mirrored.response.allowed && mirrored.response.patch == nil)
                for body in ["", "{}", "nginx", Self.review("v2"), String(repeating: "[", count: 100_000)] {
                    let refused = try await Self.post(body, to: webhook.webhook, trust: files.authority)
                    #expect(refused.head.status == 400)
                    #expect(String(decoding: refused.body, as: UTF8.self).contains("AdmissionReview"))
                }
                let metrics = try await MetricsSnapshot.of(webhook.health)
                #expect(metrics.value("darter_webhook_reviews_total", ["result": "mutated"]) == 6)
                #expect(metrics.value("darter_webhook_reviews_total", ["result": "unchanged"]) == 1)
                #expect(metrics.value("darter_webhook_images_total", ["result": "mutated"]) == 6)
                #expect(metrics.value("darter_webhook_images_total", ["reason": "mirrored"]) == 1)
                #expect(metrics.value("darter_webhook_errors_total", ["reason": "body"]) == 5)
                #expect(metrics.value("darter_webhook_seconds_count") == 7)
                for path in ["healthz", "readyz", "version"] {
                    try await runSuccessfully(.init("curl", ["-sSf", "http://\(webhook.health)/\(path)"]))
                }
            }
        }
    }

    // MARK: Configuration

    @Test("The configuration is read again when it changes; a broken one leaves the last good one, and says so")
    func reload() async throws {
        try await withFiles { directory, files in
            try await withWebhook(Self.configuration(files), in: directory) { webhook in
                func write(_ text: String) throws {
                    try Self.configuration(files, text).write(toFile: webhook.file, atomically: true, encoding: .utf8)
                }
                func image() async throws -> String {
                    try await Self.ask(Self.review(), webhook, trust: files.authority).text
                }
                #expect(try await image().contains(Self.mirrored))
                try write("mirror: 10.0.0.1:99")
                #expect(try await image().contains("10.0.0.1:99/docker.io/library/nginx:1"))
                try write("mirror: 10.0.0.1:99\nmiror: x")
                #expect(try await image().contains("10.0.0.1:99/docker.io/library/nginx:1"))
                let line = try await webhook.process.line(containing: "the configuration from before stays")
                #expect(line.contains("dfwebhook.yml:4: unknown key 'miror'"), "\(line)")
                var metrics = try await MetricsSnapshot.of(webhook.health)
                #expect(metrics.value("darter_webhook_configuration_good") == 0)
                #expect(metrics.value("darter_webhook_errors_total", ["reason": "configuration"]) == 1)
                try "".write(toFile: webhook.file, atomically: false, encoding: .utf8)
                #expect(try await image().contains("10.0.0.1:99/docker.io/library/nginx:1"))
                try FileManager.default.removeItem(atPath: webhook.file)
                #expect(try await image().contains("10.0.0.1:99/docker.io/library/nginx:1"))
                try write("registries: {exclude: ['*']}")
                #expect(try await image().isEmpty)
                metrics = try await MetricsSnapshot.of(webhook.health)
                #expect(metrics.value("darter_webhook_configuration_good") == 1)
                try write("log: {level: debug}")
                webhook.process.signal(SIGHUP)
                try await webhook.process.line(containing: "changes with a restart only")
                #expect(try await image().contains(Self.mirrored))
            }
        }
    }

    @Test("A ConfigMap's files change by a symbolic link that leads elsewhere")
    func configMap() async throws {
        try await withFiles { directory, files in
            let volume = "\(directory)/volume"
            let manager = FileManager.default
            func lay(_ name: String, _ text: String) throws {
                try manager.createDirectory(atPath: "\(volume)/\(name)", withIntermediateDirectories: true)
                let file = "\(volume)/\(name)/dfwebhook.yml"
                try Self.configuration(files, text).write(toFile: file, atomically: true, encoding: .utf8)
                try? manager.removeItem(atPath: "\(volume)/..tmp")
                try manager.createSymbolicLink(atPath: "\(volume)/..tmp", withDestinationPath: name)
                guard rename("\(volume)/..tmp", "\(volume)/..data") == 0 else { throw RigError("no rename") }
            }
            try lay("..1", "mirror: 'a.test:1'")
            try manager.createSymbolicLink(
                atPath: "\(volume)/dfwebhook.yml",
                withDestinationPath: "..data/dfwebhook.yml"
            )
            let command = RunningProcess.Command(
                try builtExecutable("dfwebhook"),
                ["serve", "--config", "\(volume)/dfwebhook.yml"]
            )
            try await withProcess(command) { process in
                let ready = try await process.line(within: .seconds(60)) { ReadyLine($0, of: "dfwebhook") }
                let address = try ready.value("webhook")
                func text() async throws -> String {
                    let response = try await Self.post(Self.review(), to: address, trust: files.authority)
                    return try JSONDecoder().decode(Answer.self, from: Data(response.body)).text
                }
                #expect(try await text().contains("a.test:1/"))
                try lay("..2", "mirror: 'b.test:1'")
                #expect(try await text().contains("b.test:1/"))
            }
        }
    }

    // MARK: Certificates

    @Test("A certificate in files is read again when they change; half a change leaves what was shown")
    func certificates() async throws {
        try await withFiles { directory, files in
            let other = try await CertificateFiles(in: "\(directory)/other")
            try await withWebhook(Self.configuration(files), in: directory) { webhook in
                func isTrusted(_ authority: String) async -> Bool {
                    // Another client each time: what is connected stays so.
                    let result = try? await run(
                        .init(
                            "curl",
                            ["-s", "--noproxy", "*", "--cacert", authority, "https://\(webhook.webhook)/mutate"]
                        )
                    )
                    return result?.status.isSuccess == true
                }
                #expect(await isTrusted(files.authority))
                func replace(_ path: String, by new: String) throws {
                    let text = try String(contentsOfFile: new, encoding: .utf8)
                    try text.write(toFile: path, atomically: true, encoding: .utf8)
                }
                try replace(files.certificate, by: other.certificate)
                #expect(await isTrusted(files.authority))
                try await webhook.process.line(containing: "the certificate from before stays")
                try replace(files.key, by: other.key)
                #expect(await isTrusted(other.authority))
                #expect(await !isTrusted(files.authority))
            }
        }
    }

    /// As much of an API server as a certificate wants.
    private final class Objects: Sendable {
        private let state = Mutex<[String: [UInt8]]>([:])
        private let patches = Mutex<[String]>([])

        static let webhooks = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/darter"

        /// What is trusted, in PEM.
        var authority: String? {
            struct Operation: Decodable { let path: String; let value: String }
            guard let patch = patches.withLock({ $0.last }),
                let operations = try? JSONDecoder().decode([Operation].self, from: Data(patch.utf8)),
                let data = operations.last.flatMap({ Data(base64Encoded: $0.value) })
            else { return nil }
            return String(decoding: data, as: UTF8.self)
        }

        func answer(_ request: ScriptedRequest) -> Script {
            switch (request.method, request.path) {
            case ("GET", Self.webhooks):
                return .respond(200, body: Array(#"{"metadata": {}, "webhooks": [{"clientConfig": {}}]}"#.utf8))
            case ("PATCH", Self.webhooks):
                patches.withLock { $0.append(String(decoding: request.body, as: UTF8.self)) }
                return .respond(200, body: Array("{}".utf8))
            case ("GET", _):
                return state.withLock { $0[request.path] }.map { .respond(200, body: $0) } ?? .respond(404)
            case ("POST", let path):
                state.withLock { $0["\(path)/tls"] = request.body }
                return .respond(201, body: request.body)
            default: return .respond(405)
            }
        }
    }

    @Test("Without files it makes its certificate, and keeps it in the cluster")
    func ownCertificate() async throws {
        let objects = Objects()
        try await withTemporaryDirectory { directory in
            try await withScriptedServer {
                objects.answer($0)
            } body: { server in
                let configuration = """
                    webhook: {address: "127.0.0.1:0", notice: 0s}
                    health: {address: "127.0.0.1:0"}
                    certificates: {secret: tls, configuration: darter, hosts: [darter-webhook.darter.svc, 127.0.0.1]}
                    kubernetes: {server: "\(server.url())", namespace: darter}
                    """
                try await withWebhook(configuration, in: directory) { webhook in
                    let authority = try #require(objects.authority)
                    let trust = "\(directory)/ca.crt"
                    try authority.write(toFile: trust, atomically: true, encoding: .utf8)
                    let answer = try await Self.ask(Self.review(), webhook, trust: trust)
                    #expect(answer.text.contains(Self.mirrored))
                    try await runSuccessfully(.init("curl", ["-sSf", "http://\(webhook.health)/readyz"]))
                    // Another one comes to the same.
                    try await withWebhook(configuration, in: "\(directory)/second") { second in
                        _ = try await Self.ask(Self.review(), second, trust: trust)
                    }
                }
            }
        }
    }

    // MARK: Gate

    @Test("While no supernode is ready, images stay")
    func gate() async throws {
        let isReady = Mutex(true)
        try await withScriptedServer { _ in
            .respond(isReady.withLock { $0 } ? 200 : 503)
        } body: { server in
            try await withFiles { directory, files in
                let gate = "gate: {supernodes: ['\(server.authority)'], interval: 100ms}"
                try await withWebhook(Self.configuration(files, gate), in: directory) { webhook in
                    let trust = files.authority
                    try await Self.until(webhook, trust: trust) { $0.contains(Self.mirrored) }
                    isReady.withLock { $0 = false }
                    try await Self.until(webhook, trust: trust, \.isEmpty)
                    let metrics = try await MetricsSnapshot.of(webhook.health)
                    #expect(metrics.value("darter_webhook_gate_open") == 0)
                    #expect((metrics.value("darter_webhook_images_total", ["reason": "gate_closed"]) ?? 0) > 0)
                    try await webhook.process.line(containing: "no supernode is ready")
                    isReady.withLock { $0 = true }
                    try await Self.until(webhook, trust: trust) { $0.contains(Self.mirrored) }
                    // A new place is looked at before it is believed.
                    try Self.configuration(files, "gate: {supernodes: ['127.0.0.1:1'], interval: 100ms}")
                        .write(toFile: webhook.file, atomically: true, encoding: .utf8)
                    #expect(try await Self.ask(Self.review(), webhook, trust: trust).text.isEmpty)
                    try Self.configuration(files, "").write(toFile: webhook.file, atomically: true, encoding: .utf8)
                    #expect(try await Self.ask(Self.review(), webhook, trust: trust).text.contains(Self.mirrored))
                }
            }
        }
    }

    // MARK: The command line

    @Test("lint says what would become of each image")
    func lint() async throws {
        try await withTemporaryDirectory { directory in
            func file(_ name: String, _ text: String) throws -> String {
                try text.write(toFile: "\(directory)/\(name)", atomically: true, encoding: .utf8)
                return "\(directory)/\(name)"
            }
            let pod = try file(
                "pod.yaml",
                "{kind: Pod, metadata: {name: a}, spec: {containers: [{name: c, image: nginx}, {name: d, image: quay.io/x}]}}"
            )
            // The authority is a file of the webhook's pod.
            let rules = try file(
                "rules.yml",
                "{registries: {include: [quay.io]}, gate: {supernode_ca_file: /nowhere/ca.crt}}"
            )
            let empty = try file("empty.yaml", "---\n# nothing\n")
            let unknown = try file("unknown.yml", "regstries: {include: [quay.io]}")
            let bad = try file("bad.yaml", "{kind: Pod, spec: {containers: [{name: c, image: 'a b'}]}}")
            let broken = try file("broken.yaml", "a: [")
            let plain = try await run(.init(try builtExecutable("dfwebhook"), ["lint", "--pod", pod]))
            #expect(plain.status.exitCode == 0)
            #expect(plain.output.contains("Pod a containers/c: nginx -> 127.0.0.1:65001/docker.io/library/nginx\n"))
            #expect(plain.output.contains("Pod a containers/d: quay.io/x stays: the registry is left out\n"))
            let other = try await run(
                .init(try builtExecutable("dfwebhook"), ["lint", "--pod", pod, "--config", rules, "--json"])
            )
            #expect(other.output.contains(#""becomes" : "127.0.0.1:65001/quay.io/x""#), "\(other.output)")
            // It has every section that there is.
            let complete = URL(filePath: #filePath).deletingLastPathComponent().appending(
                path: "../../config/dfwebhook.yml"
            )
            let whole = try await run(
                .init(try builtExecutable("dfwebhook"), ["lint", "--pod", pod, "--config", complete.path])
            )
            #expect(whole.status.exitCode == 0, "\(whole.errors)")
            for (arguments, status) in [
                (["--pod", bad], 1), (["--pod", broken], 1), (["--pod", "/nowhere"], 1), (["--pod", empty], 1),
                ([], 64),
                (["--pod", pod, "--config", broken], 78), (["--pod", pod, "--config", "/nowhere"], 78),
                (["--pod", pod, "--config", unknown], 78),
            ] as [([String], Int32)] {
                let result = try await run(.init(try builtExecutable("dfwebhook"), ["lint"] + arguments))
                #expect(result.status.exitCode == status, "\(arguments): \(result.errors)")
                #expect(
                    status == 1 && arguments.last == bad || result.errors.hasPrefix("dfwebhook: "),
                    "\(result.errors)"
                )
            }
        }
    }

    @Test("Without a certificate it does not start, and says what is missing")
    func noCertificate() async throws {
        let result = try await run(.init(try builtExecutable("dfwebhook"), []))
        #expect(result.status.exitCode == 78)
        #expect(result.errors.contains("dfwebhook: webhook.tls, or certificates.secret, must be set"))
    }
}
