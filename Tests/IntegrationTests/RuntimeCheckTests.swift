import Foundation
import TestSupport
import Testing

/// `dfdaemon runtime check` with everything well, and with one thing wrong at a time.
@Suite(.serialized) struct RuntimeCheckTests {
    private struct Report: Decodable {
        struct Finding: Decodable {
            let state: String
            let subject: String
            let message: String
            let remedy: String?
        }

        let ok: Bool
        let findings: [Finding]

        /// What went wrong, by subject.
        var failed: [String: String] {
            Dictionary(
                findings.filter { $0.state == "failed" }.map { ($0.subject, "\($0.message): \($0.remedy ?? "")") },
                uniquingKeysWith: { first, _ in first }
            )
        }
    }

    private struct Ports {
        let proxy = FreePort.next()
        let health = FreePort.next()
        let supernode = FreePort.next()
    }

    private func configuration(
        _ directory: String,
        _ ports: Ports,
        registry: RegistryServer,
        floor: String = "1MiB"
    ) -> String {
        let authority = registry.certificateAuthority.map { ", ca_file: \"\($0)\"" } ?? ""
        return """
            proxy: {address: "127.0.0.1:\(ports.proxy)"}
            health: {address: "127.0.0.1:\(ports.health)"}
            pieces: {address: "127.0.0.1:0"}
            home: \(directory)/home
            store: {free_space_floor: \(floor)}
            supernodes: ["127.0.0.1:\(ports.supernode)"]
            registry_mirror:
              remote: "\(registry.url)"
              registries: [{host: registry.test, url: "\(registry.url)"\(authority)}]
            origin: {allow_addresses: [127.0.0.0/8], retry: {base_delay: 50ms}}
            peer: {failover: 1s, back_to_source_delay: 50ms}
            """
    }

    private func check(_ directory: String, _ arguments: [String] = []) async throws -> (Report, CommandResult) {
        let command = [
            "runtime", "check", "--json", "--config", "\(directory)/dfdaemon.yml", "--root", "\(directory)/machine",
        ]
        let result = try await run(.init(try builtExecutable("dfdaemon"), command + arguments))
        let report = try JSONDecoder().decode(Report.self, from: Data(result.output.utf8))
        #expect(result.status.exitCode == (report.ok ? 0 : 1))
        #expect(report.findings.allSatisfy { $0.state != "failed" || $0.remedy != nil }, "\(result.output)")
        return (report, result)
    }

    private func configure(_ runtime: String, _ directory: String, _ ports: Ports) async throws {
        try FileManager.default.createDirectory(atPath: "\(directory)/machine", withIntermediateDirectories: true)
        let arguments = [
            "runtime", "configure", runtime, "--root", "\(directory)/machine", "--mirror",
            "http://127.0.0.1:\(ports.proxy)",
        ]
        try await runSuccessfully(.init(try builtExecutable("dfdaemon"), arguments))
    }

    @Test("All is well, with an image, at a registry of each kind", arguments: RegistryMode.allCases)
    func well(mode: RegistryMode) async throws {
        try await withTemporaryDirectory { directory in
            let (image, ports) = (try await makeImage(in: "\(directory)/image", layers: [0.1], seed: 41), Ports())
            try await withRegistry(mode, tls: mode != .token) { registry in
                try await registry.push(image, as: "library/a:v1")
                try await configure("containerd", directory, ports)
                let login = Data((registry.credentials ?? "").utf8).base64EncodedString()
                try "{\"auths\": {\"registry.test\": {\"auth\": \"\(login)\"}}}"
                    .write(toFile: "\(directory)/logins.json", atomically: true, encoding: .utf8)
                let supernode = Configurations.supernode(
                    home: "\(directory)/supernode",
                    port: ports.supernode,
                    trust(registry)
                )
                try await withSupernode(supernode, in: "\(directory)/s") { _ in
                    let daemon = configuration(directory, ports, registry: registry)
                    try await withDaemon(daemon, in: directory) { _ in
                        let arguments = ["containerd", "--image", "registry.test/library/a:v1"]
                        let logins = ["--auth-file", "\(directory)/logins.json"]
                        let (report, result) = try await check(directory, arguments + (mode == .none ? [] : logins))
                        #expect(report.ok, "\(result.output)")
                        let subjects = Set(report.findings.filter { $0.state == "ok" }.map(\.subject))
                        #expect(subjects.isSuperset(of: ["proxy", "health", "disk", "containerd", "manifest", "blob"]))
                        #expect(!result.output.contains(login))
                        guard mode != .none else { return }
                        let (refused, _) = try await check(directory, arguments)
                        #expect(refused.failed["manifest"]?.contains("--auth-file") == true, "\(refused.failed)")
                    }
                }
            }
        }
    }

    @Test("Who is logged in by dfdaemon is told so, and that a login of the configuration is wrong")
    func login() async throws {
        try await withTemporaryDirectory { directory in
            try FileManager.default.createDirectory(atPath: "\(directory)/machine", withIntermediateDirectories: true)
            for mode in [RegistryMode.basic, .token] {
                try await withRegistry(mode) { registry in
                    let parts = (registry.credentials ?? "").split(separator: ":").map(String.init)
                    for (password, isRight) in [(parts[1], true), ("wrong", false)] {
                        let login = "registries: [{username: \(parts[0]), password: \"\(password)\", "
                        let text = configuration(directory, Ports(), registry: registry)
                            .replacing("registries: [{", with: login)
                        try await withDaemon(text, in: directory) { _ in
                            let (report, result) = try await check(directory)
                            let told = report.findings.filter {
                                $0.subject == "registry registry.test" || $0.subject.hasPrefix("remote ")
                            }
                            #expect(told.count == 2, "\(result.output)")
                            let words = isRight ? "reads with the login" : "does not take the login"
                            for finding in told {
                                #expect(finding.state == (isRight ? "ok" : "failed"), "\(finding)")
                                #expect(finding.message.contains(words), "\(finding)")
                                #expect(finding.message.contains("user '\(parts[0])'"), "\(finding)")
                            }
                            #expect(!result.output.contains("without a login"))
                            #expect(!result.output.contains("wrong"))
                        }
                    }
                }
            }
        }
    }

    private func trust(_ registry: RegistryServer) -> String {
        guard let authority = registry.certificateAuthority else { return "" }
        return "backends: [{plugin: registry, hosts: [\"\(registry.authority)\"], ca_file: \"\(authority)\"}]"
    }

    @Test("Dead daemon, dead supernode, a foreign port, a full disk and a runtime that was not set up are told apart")
    func faults() async throws {
        try await withTemporaryDirectory { directory in
            let ports = Ports()
            try await withRegistry { registry in
                let text = configuration(directory, ports, registry: registry, floor: "1PiB")
                try text.write(toFile: "\(directory)/dfdaemon.yml", atomically: true, encoding: .utf8)
                try FileManager.default.createDirectory(
                    atPath: "\(directory)/machine",
                    withIntermediateDirectories: true
                )
                let (dead, _) = try await check(directory, ["docker"])
                #expect(
                    Set(dead.failed.keys) == [
                        "proxy", "health", "disk", "docker", "supernode http://127.0.0.1:\(ports.supernode)",
                    ],
                    "\(dead.failed)"
                )
                #expect(dead.failed["proxy"]?.contains("start dfdaemon") == true)
                #expect(dead.failed["disk"]?.contains("free_space_floor") == true)
                #expect(dead.failed["docker"]?.contains("runtime configure docker") == true)

                var options = OriginOptions()
                options.port = ports.proxy
                try await withNginx(root: directory, options) { _ in
                    let (foreign, _) = try await check(directory)
                    #expect(foreign.failed["proxy"]?.contains("nginx") == true, "\(foreign.failed)")
                }
            }
        }
    }

    @Test("An unknown authority, a dead registry and a runtime that points elsewhere are told apart")
    func registries() async throws {
        try await withTemporaryDirectory { directory in
            let ports = Ports()
            try await withRegistry(tls: true) { registry in
                var text = configuration(directory, ports, registry: registry)
                let authority = try #require(registry.certificateAuthority)
                text = text.replacing(", ca_file: \"\(authority)\"", with: "")
                text = text.replacing(
                    "registries: [",
                    with: "registries: [{host: dead.test, url: \"http://127.0.0.1:1\"}, "
                )
                try await withDaemon(text, in: directory) { _ in
                    try await configure("podman", directory, Ports())
                    let (report, _) = try await check(directory)
                    #expect(report.failed["registry registry.test"]?.contains("ca_file") == true, "\(report.failed)")
                    #expect(report.failed["registry dead.test"]?.contains("firewall") == true, "\(report.failed)")
                    #expect(report.failed["podman"]?.contains("runtime restore podman") == true, "\(report.failed)")
                    #expect(report.failed["proxy"] == nil && report.failed["health"] == nil)
                }
            }
        }
    }

    @Test("A daemon that lets nobody in, and one that wants a password, are told from a registry that does")
    func access() async throws {
        try await withTemporaryDirectory { directory in
            let users = "\(directory)/users"
            try "ann:secret\n".write(toFile: users, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: users)
            try FileManager.default.createDirectory(atPath: "\(directory)/machine", withIntermediateDirectories: true)
            try await withRegistry { registry in
                for (access, words) in [
                    ("networks: [10.0.0.0/8]", ["does not let this machine in", "proxy_access.networks"]),
                    ("users_file: \(users)", ["wants a user and password", "proxy_access.users_file"]),
                ] {
                    let text = configuration(directory, Ports(), registry: registry)
                    try await withDaemon("\(text)\nproxy_access: {\(access)}", in: directory) { _ in
                        let (report, _) = try await check(directory)
                        let told = report.failed["proxy"] ?? ""
                        #expect(words.allSatisfy { told.contains($0) }, "\(told)")
                        // Nobody is sent to look for the fault at the registry.
                        #expect(!report.findings.contains { $0.subject.contains(registry.authority) })
                    }
                }
            }
            try await withScriptedServer { _ in
                .respond(403)
            } body: { registry in
                let text = Configurations.daemon(home: "\(directory)/h", supernodes: [], registry: registry.url(""))
                let port = FreePort.next()
                let fixed = text.replacing(
                    "proxy: {address: \"127.0.0.1:0\"",
                    with: "proxy: {address: \"127.0.0.1:\(port)\""
                )
                try await withDaemon(fixed, in: directory) { _ in
                    let (report, _) = try await check(directory)
                    #expect(report.failed["proxy"] == nil)
                    #expect(report.failed["remote \(registry.url(""))"]?.contains("refuses this node (403)") == true)
                }
            }
        }
    }

    @Test("A broken configuration is one finding")
    func brokenConfiguration() async throws {
        try await withTemporaryDirectory { directory in
            try "proxy: {adress: x}\n".write(toFile: "\(directory)/dfdaemon.yml", atomically: true, encoding: .utf8)
            let (report, _) = try await check(directory)
            #expect(report.failed.count == 1 && report.failed["configuration"]?.contains("adress") == true)
        }
    }
}
