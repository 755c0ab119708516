import Content
import Foundation
import TestSupport
import Testing

/// Real clients through the HTTP proxy of two nodes: the origin gives what they fetch once.
@Suite(.serialized) struct ProxyClientTests {
    /// nginx, a supernode and two nodes; `body` gets the origin, the nodes, and directories of the origin's and of its own.
    private func withProxies(
        rules: String,
        fill: (_ root: String) async throws -> Void,
        _ body: (OriginServer, [Daemon], _ directory: String) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { directory in
            let root = "\(directory)/root"
            try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
            try await fill(root)
            var options = OriginOptions()
            options.directives = "types { text/html html; }"
            try await withNginx(root: root, options) { origin in
                try await withCluster(
                    of: 2,
                    registry: "http://127.0.0.1:1",
                    in: directory,
                    daemon: "proxies: \(rules)"
                ) { _, daemons in
                    try await body(origin, daemons, directory)
                }
            }
        }
    }

    /// A command whose requests go through the node.
    private func command(_ name: String, _ arguments: [String], through daemon: Daemon) -> RunningProcess.Command {
        var command = RunningProcess.Command(name, arguments)
        command.environment = ["http_proxy": "http://\(daemon.proxy)", "no_proxy": "", "NO_PROXY": ""]
        return command
    }

    @Test("curl and wget, whole files and the rest of them")
    func curlAndWget() async throws {
        try await withProxies(rules: "[{regx: '\\.bin$', freshness: 1h}]") { root in
            _ = try writeRandomFile("\(root)/a.bin", byteCount: 3_000_000, seed: 1)
        } _: { origin, daemons, directory in
            let url = "\(origin.url)/a.bin"
            let original = try Data(contentsOf: URL(filePath: "\(directory)/root/a.bin"))
            for (number, daemon) in daemons.enumerated() {
                for round in 0..<2 {
                    let path = "\(directory)/curl\(number)\(round)"
                    try await runSuccessfully(command("curl", ["-sSf", "-o", path, url], through: daemon))
                    #expect(try Data(contentsOf: URL(filePath: path)) == original)
                }
                let path = "\(directory)/wget\(number)"
                try original.prefix(1_000_000).write(to: URL(filePath: path))
                // wget's own Accept and Accept-Encoding make it another task; it goes on where the file ends.
                try await runSuccessfully(command("wget", ["-q", "-c", "-O", path, url], through: daemon))
                #expect(try Data(contentsOf: URL(filePath: path)) == original)
            }
            // One for curl's fields, one for wget's.
            let requests = try await origin.requests().filter { $0.target == "/a.bin" }
            #expect(requests.reduce(0) { $0 + $1.bodyBytes } == 2 * Int64(original.count))
        }
    }

    @Test("pip downloads a wheel from an index")
    func pip() async throws {
        let wheel = "demo-1.0-py3-none-any.whl"
        try await withProxies(rules: "[{regx: '\\.whl$', freshness: 1h}, {regx: /simple/}]") { root in
            try FileManager.default.createDirectory(atPath: "\(root)/simple/demo", withIntermediateDirectories: true)
            try await runSuccessfully(.init("python3", ["-c", Self.wheelScript, "\(root)/simple/demo/\(wheel)"]))
            let page = "<!DOCTYPE html><html><body><a href=\"\(wheel)\">\(wheel)</a></body></html>"
            try page.write(toFile: "\(root)/simple/demo/index.html", atomically: true, encoding: .utf8)
        } _: { origin, daemons, directory in
            for round in 0..<4 {
                let target = "\(directory)/pip\(round)"
                let arguments = [
                    "-m", "pip", "download", "--no-cache-dir", "--disable-pip-version-check", "--no-deps", "-d", target,
                    "--index-url", "\(origin.url)/simple/", "--proxy", "http://\(daemons[round % 2].proxy)", "demo",
                ]
                try await runSuccessfully(command("python3", arguments, through: daemons[round % 2]))
                #expect(FileManager.default.fileExists(atPath: "\(target)/\(wheel)"))
            }
            let requests = try await origin.requests()
            #expect(requests.count { $0.target == "/simple/demo/\(wheel)" } == 1)
            // pip wants the index confirmed each time: it comes once, and is confirmed without a body.
            let pages = requests.filter { $0.target == "/simple/demo/" }
            #expect(pages.map(\.status).count { $0 == 200 || $0 == 206 } == 1)
            #expect(pages.dropFirst().allSatisfy { $0.status == 304 && $0.bodyBytes == 0 })
        }
    }

    private static let wheelScript = """
        import sys, zipfile, os
        with zipfile.ZipFile(sys.argv[1], "w") as wheel:
            wheel.writestr("demo.py", "answer = 42\\n# " + os.urandom(300000).hex() + "\\n")
            wheel.writestr("demo-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: demo\\nVersion: 1.0\\n")
            wheel.writestr("demo-1.0.dist-info/WHEEL",
                           "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
            wheel.writestr("demo-1.0.dist-info/RECORD", "")
        """

    @Test("apt reads a repository and downloads a package")
    func apt() async throws {
        try await withProxies(rules: "[{regx: '\\.deb$', freshness: 1h}, {regx: .}]") { root in
            try await Self.makeRepository(in: root)
        } _: { origin, daemons, directory in
            for round in 0..<4 {
                let home = "\(directory)/apt\(round)"
                for part in ["state/lists/partial", "cache/archives/partial", "etc/preferences.d", "got"] {
                    try FileManager.default.createDirectory(
                        atPath: "\(home)/\(part)",
                        withIntermediateDirectories: true
                    )
                }
                try "deb [trusted=yes] \(origin.url)/ ./\n"
                    .write(toFile: "\(home)/etc/sources.list", atomically: true, encoding: .utf8)
                let options = [
                    "Dir::State=\(home)/state", "Dir::Cache=\(home)/cache", "Dir::Etc=\(home)/etc",
                    "Dir::State::status=/dev/null", "APT::Sandbox::User=root", "Acquire::Languages=none",
                    "Acquire::http::Proxy=http://\(daemons[round % 2].proxy)",
                ].flatMap { ["-o", $0] }
                try await runSuccessfully(command("apt-get", options + ["-q", "update"], through: daemons[round % 2]))
                var download = command("apt-get", options + ["-q", "download", "demo"], through: daemons[round % 2])
                download.directory = "\(home)/got"
                try await runSuccessfully(download)
                #expect(FileManager.default.fileExists(atPath: "\(home)/got/demo_1.0_all.deb"))
            }
            let requests = try await origin.requests()
            #expect(requests.count { $0.target.hasSuffix("demo_1.0_all.deb") } == 1)
            let lists = requests.filter { $0.target.hasSuffix("/Packages.gz") }
            #expect(lists.count { $0.bodyBytes > 0 && $0.status < 300 } == 1)
        }
    }

    /// A flat repository with one package.
    private static func makeRepository(in root: String) async throws {
        let tree = "\(root)/../demo"
        for part in ["DEBIAN", "usr/share/demo"] {
            try FileManager.default.createDirectory(atPath: "\(tree)/\(part)", withIntermediateDirectories: true)
        }
        let control = """
            Package: demo
            Version: 1.0
            Architecture: all
            Maintainer: Nobody <nobody@example.com>
            Description: nothing

            """
        try control.write(toFile: "\(tree)/DEBIAN/control", atomically: true, encoding: .utf8)
        _ = try writeRandomFile("\(tree)/usr/share/demo/data", byteCount: 400_000, seed: 3)
        let script = """
            dpkg-deb --root-owner-group --build "$1/../demo" "$1/demo_1.0_all.deb" >&2
            cd "$1" && dpkg-scanpackages -m . | gzip -n > Packages.gz
            """
        try await runSuccessfully(.init("bash", ["-ec", script, "repository", root]))
    }

    @Test("A node with Dragonfly 1's configuration serves its clients")
    func dragonflyFile() async throws {
        try await withTemporaryDirectory { directory in
            let root = "\(directory)/root"
            try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
            let digest = try writeRandomFile("\(root)/a.rpm", byteCount: 1_000_000, seed: 4)
            try await withNginx(root: root) { origin in
                let home = "\(directory)/supernode"
                try await withSupernode(Configurations.supernode(home: "\(home)/home"), in: home) { supernode in
                    let port = FreePort.next()
                    // Whatever is not of Dragonfly 1 is there because the test shares the machine with others.
                    let file = """
                        registry_mirror:
                          remote: http://127.0.0.1:1
                        proxies:
                          - regx: no-proxy
                            direct: true
                          - regx: \\.rpm
                        dfget_flags: ["--node", "\(supernode.api)", "--verbose", "--ip", "127.0.0.1",
                                      "--port", "\(FreePort.next())", "--expiretime", "3m0s", "-f", "sig&expires"]
                        ratelimit: 200M
                        localrepo: \(directory)/data
                        dfpath: /opt/dragonfly/dfget
                        port: \(port)
                        hostIp: 127.0.0.1
                        certpem: ""
                        keypem: ""
                        verbose: true
                        maxprocs: 10
                        logConfig: {path: /dev/stdout}
                        health: {address: "127.0.0.1:0"}
                        origin: {allow_addresses: [127.0.0.0/8]}
                        """
                    let place = "\(directory)/daemon"
                    try await withDaemon(file, in: place, arguments: ["--home", "\(place)/home"]) { daemon in
                        #expect(daemon.proxy == "127.0.0.1:\(port)")
                        try await daemon.process.line(containing: "without effect, of Dragonfly 1's keys: localrepo")
                        for sig in ["one", "two"] {
                            let answer = try await Client(proxy: daemon.proxy)
                                .send("GET", "\(origin.url)/a.rpm?sig=\(sig)&expires=5")
                            #expect(answer.digest == digest)
                        }
                    }
                    #expect(try await supernode.receivedFromOrigin() == 1_000_000)
                    let requests = try await origin.requests()
                    #expect(requests.reduce(0) { $0 + $1.bodyBytes } == 1_000_000)
                }
            }
        }
    }
}
