import Foundation
import TestSupport
import Testing

/// What somebody who runs the servers does to them.
@Suite(.serialized) struct OperatingTests {
    @Test(arguments: ["supernode", "dfdaemon"], [SIGTERM, SIGINT])
    func aHangupChangesNothingAndAStopIsNoFailure(name: String, signal: Int32) async throws {
        try await withTemporaryDirectory { directory in
            let configuration = "\(directory)/configuration.yml"
            let text =
                name == "supernode"
                ? Configurations.supernode(home: "\(directory)/home")
                : Configurations.daemon(home: "\(directory)/home", supernodes: [])
            try text.write(toFile: configuration, atomically: true, encoding: .utf8)
            let command = RunningProcess.Command(try builtExecutable(name), ["--config", configuration])
            try await withProcess(command) { process in
                try await process.line(containing: "\(name) ready ")
                process.signal(SIGHUP)
                try await process.line(containing: "restart to change it")
                #expect(process.isRunning)
                process.signal(signal)
                #expect(await process.end().status == .code(0))
            }
        }
    }

    /// As in many containers.
    @Test(.enabled(if: geteuid() == 0, "a network of its own needs root"))
    func whereNoInterfaceHasAnIPv6AddressAllAddressesAreListenedAt() async throws {
        try await withTemporaryDirectory { directory in
            let configuration = "\(directory)/configuration.yml"
            let text = "api: {address: \"[::]:0\"}\npieces: {address: \"[::]:0\"}\nhome: \(directory)/home\n"
            try text.write(toFile: configuration, atomically: true, encoding: .utf8)
            let supernode = try builtExecutable("supernode")
            try await withProcess(.init("unshare", ["-n", supernode, "--config", configuration])) { process in
                _ = try await process.line(containing: "supernode ready ")
            }
        }
    }

    @Test(arguments: ["supernode", "dfdaemon", "dfget"])
    func aPrintedConfigurationReadsBackToTheSame(name: String) async throws {
        try await withTemporaryDirectory { directory in
            let files = ["given": "\(directory)/given.yml", "printed": "\(directory)/printed.yml"]
            let secret = "\(directory)/a secret"
            try "p\n".write(toFile: secret, atomically: true, encoding: .utf8)
            let text = """
                home: "/with: a colon"
                pieces: {address: "[::1]:7", drain: 1m30s}
                limits: {upload: 1500000, download: 20MB/s}
                origin: {allow_addresses: [127.0.0.0/8, "::1/128"], segment: 1MiB}
                cluster: {token_file: "#token"}
                backends:
                  - {plugin: registry, hosts: [a.example], username: "yes", password_file: "\(secret)"}
                  - {plugin: http, hosts: ["*.b.example"], paths: [/c/], bearer_token_file: "\(secret)"}
                """
            try text.write(toFile: files["given"] ?? "", atomically: true, encoding: .utf8)
            var outputs: [String] = []
            for file in ["given", "printed"] {
                let result = try await run(
                    .init(try builtExecutable(name), ["--config", files[file] ?? "", "--print-config"])
                )
                #expect(result.status.isSuccess, "\(result.errors)")
                outputs.append(result.output)
                try result.output.write(toFile: files["printed"] ?? "", atomically: true, encoding: .utf8)
            }
            #expect(outputs[0] == outputs[1])
            #expect(outputs[0].contains("/with: a colon"))
            #expect(outputs[0].contains(secret))
        }
    }

    /// `--print-config` says of a file whether the process would start with it.
    @Test(arguments: ["supernode", "dfdaemon", "dfget"])
    func whatIsWrongWithABackendShowsWithoutAStart(name: String) async throws {
        try await withTemporaryDirectory { directory in
            let file = "\(directory)/c.yml"
            for (line, expected) in [
                ("  - plugin: ftp", "unknown backend plugin 'ftp'"),
                ("  - {plugin: http, nope: 1}", "unknown key 'nope'"),
                ("  - {plugin: http, ca_file: /nope}", "'ca_file'"),
                ("  - {plugin: registry, ca_file: /etc/hostname}", "'ca_file'"),
            ] {
                try "backends:\n\(line)\n".write(toFile: file, atomically: true, encoding: .utf8)
                let result = try await run(.init(try builtExecutable(name), ["--config", file, "--print-config"]))
                #expect(result.status.exitCode == (name == "dfget" ? 2 : 78))
                #expect(result.errors.hasPrefix("\(name): \(file):2: \(expected)"), "\(result.errors)")
                #expect(result.output.isEmpty)
            }
        }
    }
}
