import Content
import Foundation
import TestSupport
import Testing

/// Who may use dfdaemon's proxy.
@Suite(.serialized, .timeLimit(.minutes(2))) struct ProxyAccessTests {
    private func write(_ text: String, to path: String) throws {
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    }

    @Test func usersShowTheirPasswordsAndNobodyElseSeesThem() async throws {
        try await withTemporaryDirectory { directory in
            let users = "\(directory)/users"
            try write("ann:secret\n", to: users)
            try await withScriptedServer { request in
                .respond(200, ["X-Method": request.method], body: request.body)
            } body: { origin in
                let access = "proxy_access: {users_file: \(users), connect_ports: [\(origin.port)]}"
                try await ProxyRig.with(access, in: directory) { proxy in
                    for arguments in [[], ["--proxytunnel"]] {
                        func ask(_ more: [String]) async throws -> String {
                            try await proxy.status(arguments + more + [origin.url("/x")])
                        }
                        let isTunnel = !arguments.isEmpty
                        let refused = isTunnel ? "000 407" : "407 000"
                        #expect(try await ask([]) == refused)
                        #expect(try await ask(["--proxy-user", "ann:wrong"]) == refused)
                        #expect(try await ask(["--proxy-user", "ann:secret"]) == (isTunnel ? "200 200" : "200 000"))
                        #expect(try await ask(["--proxy-anyauth", "--proxy-user", "ann:secret"]).hasPrefix("200 "))
                    }
                    #expect(origin.requests.count == 4)
                    #expect(origin.requests.allSatisfy { !$0.headers.contains("Proxy-Authorization") })
                    // The mirror is behind the same door.
                    try await withByteConnection(to: proxy.port) { client in
                        try await client.send("GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n")
                        let answer = try await client.read(until: "\r\n\r\n").lowercased()
                        #expect(answer.hasPrefix("http/1.1 407 "))
                        #expect(answer.contains("proxy-authenticate: basic realm=\"darter\""))
                    }
                    try write("ann:other\n", to: users)
                    #expect(try await proxy.status(["--proxy-user", "ann:secret", origin.url()]) == "407 000")
                    #expect(try await proxy.status(["--proxy-user", "ann:other", origin.url()]) == "200 000")
                    let log = await proxy.daemon.process.stopForErrors()
                    #expect(!log.contains("secret") && !log.contains("Basic "))
                }
            }
        }
    }

    @Test func aFileOfUsersThatCanNotBeUsedAnyMoreIsToldOnce() async throws {
        try await withTemporaryDirectory { directory in
            let users = "\(directory)/users"
            try write("ann:secret\n", to: users)
            try await withScriptedServer { _ in
                .respond(200)
            } body: { origin in
                try await ProxyRig.with("proxy_access: {users_file: \(users)}", in: directory) { proxy in
                    func ask(_ expected: String) async throws {
                        for _ in 0..<2 {
                            let status = try await proxy.status(["--proxy-user", "ann:secret", origin.url()])
                            #expect(status == "\(expected) 000")
                        }
                    }
                    try await ask("200")
                    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: users)
                    try await ask("407")
                    try FileManager.default.removeItem(atPath: users)
                    try await ask("407")
                    try write("ann:secret\n", to: users)
                    try await ask("200")
                    let log = await proxy.daemon.process.stopForErrors()
                    let lines = log.split(separator: "\n").filter { $0.contains("users_file") }
                    #expect(lines.count == 3, "\(lines)")
                    #expect(lines.filter { $0.contains("warning") }.count == 2)
                    #expect(lines.first?.contains("chmod 600 \(users)") == true)
                    #expect(lines.last?.contains("info") == true)
                }
            }
        }
    }

    @Test func strangersAreSentAway() async throws {
        try await withTemporaryDirectory { directory in
            try await ProxyRig.with("proxy_access: {networks: [10.0.0.0/8]}", in: directory) { proxy in
                let (plain, told) = (try await proxy.status(["http://127.0.0.1:1/"]), try proxy.body())
                #expect(plain == "403 000")
                #expect(told.contains("proxy_access.networks"))
                let tunnel = try await proxy.status(["https://127.0.0.1/"])
                #expect(tunnel == "000 403")
            }
        }
    }

    @Test(arguments: ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"])
    func aProxyForOtherMachinesSaysForWhich(address: String) async throws {
        try await withTemporaryDirectory { directory in
            func start(_ more: String) async throws -> CommandResult {
                let file = "\(directory)/dfdaemon.yml"
                try "proxy: {address: \"\(address)\"}\n\(more)".write(toFile: file, atomically: true, encoding: .utf8)
                return try await run(.init(try builtExecutable("dfdaemon"), ["--config", file, "--print-config"]))
            }
            let refused = try await start("")
            #expect(refused.status.exitCode == 78)
            #expect(refused.errors.contains("dfdaemon.yml:1: 'proxy' is at \(address)"), "\(refused.errors)")
            #expect(refused.errors.contains("proxy_access.networks"))
            #expect(try await start("proxy_access: {networks: [192.0.2.0/24]}").status.exitCode == 0)
        }
    }

    @Test func requestsForAnyURLArePassedOn() async throws {
        try await withTemporaryDirectory { directory in
            try await withScriptedServer { request in
                .respond(
                    request.path == "/gone" ? 404 : 200,
                    ["X-Seen": "\(request.method) \(request.target)", "Connection": "X-Hop", "X-Hop": "1"],
                    body: request.body
                )
            } body: { origin in
                try await ProxyRig.with(in: directory) { proxy in
                    let sent = String(repeating: "body", count: 50_000)
                    try sent.write(toFile: "\(directory)/in", atomically: true, encoding: .utf8)
                    let headers = "\(directory)/headers"
                    let posted = try await proxy.status([
                        "-D", headers, "--data-binary", "@\(directory)/in", origin.url("/p?a=b"),
                    ])
                    #expect(posted == "200 000")
                    #expect(try proxy.body() == sent)
                    let text = try String(contentsOfFile: headers, encoding: .utf8)
                    #expect(text.contains("X-Seen: POST /p?a=b\r\n") && !text.contains("X-Hop: 1"))
                    #expect(try await proxy.status([origin.url("/gone")]) == "404 000")
                    #expect(try await proxy.status(["--head", origin.url("/h")]) == "200 000")
                    #expect(try await proxy.status(["http://169.254.169.254/"]) == "403 000")
                    let seen = try #require(origin.requests.first)
                    #expect(seen.headers["Host"] == origin.authority && !seen.headers.contains("Proxy-Connection"))
                    let log = await proxy.daemon.process.stopForErrors()
                    #expect(log.contains("path=\(origin.url("/p?a="))"))
                }
            }
        }
    }
}

extension ProxyRig {
    /// Runs curl through the proxy: the status, and that of the CONNECT.
    func status(_ arguments: [String]) async throws -> String {
        let result = try await run(
            .init(
                "curl",
                [
                    "--silent", "--max-time", "60", "--noproxy", "", "--proxy", "http://\(daemon.proxy)",
                    "--output", out, "--write-out", "%{http_code} %{http_connect}",
                ] + arguments
            )
        )
        return result.output
    }
}
