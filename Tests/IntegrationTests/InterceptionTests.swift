import Content
import Foundation
import TestSupport
import Testing

/// HTTPS that dfdaemon's proxy looks into.
@Suite(.serialized, .timeLimit(.minutes(2))) struct InterceptionTests {
    /// An authority of `dfdaemon gen-ca`.
    private static func authority(in directory: String) async throws -> (certificate: String, key: String) {
        let place = "\(directory)/authority"
        try await runSuccessfully(.init(try builtExecutable("dfdaemon"), ["gen-ca", "--out", place]))
        return ("\(place)/ca.crt", "\(place)/ca.key")
    }

    /// nginx with TLS and a daemon that intercepts some hosts; `hosts` is told the authority of nginx's certificate.
    private func withInterception(
        _ options: OriginOptions = OriginOptions(),
        hosts: (String) -> String = { "[{regx: '^(localhost|127[.]0[.]0[.]1)$', certs: [\($0)]}]" },
        access: String = "",
        in directory: String,
        _ body: (_ proxy: ProxyRig, _ origin: OriginServer, _ trust: String, _ digest: Digest) async throws -> Void
    ) async throws {
        let root = "\(directory)/root"
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        let digest = try writeRandomFile("\(root)/file", byteCount: 3_000_000, seed: 411)
        let (certificate, key) = try await Self.authority(in: directory)
        var options = options
        options.tls = true
        try await withNginx(root: root, options) { origin in
            let hosts = hosts(try #require(origin.certificateAuthority))
            let configuration = """
                hijack_https: {cert: \(certificate), key: \(key), hosts: \(hosts)}
                \(access)
                """
            try await ProxyRig.with(configuration, in: directory) { proxy in
                try await body(proxy, origin, certificate, digest)
            }
        }
    }

    @Test func theClientSpeaksToTheProxyAndTheProxyToTheOrigin() async throws {
        try await withTemporaryDirectory { directory in
            try await withInterception(in: directory) { proxy, origin, trust, digest in
                let port = origin.authority.split(separator: ":")[1]
                for host in ["127.0.0.1", "localhost"] {
                    let url = "https://\(host):\(port)/file"
                    let result = try await proxy.curl("--cacert", trust, url, url, "--output", proxy.out)
                    #expect(result.output == "200 200 1\n200 000 0\n", "\(result.errors)")
                    #expect(try fileDigest(proxy.out) == digest)
                    let part = try await proxy.curl("--cacert", trust, "--range", "5-9", url)
                    #expect(part.output == "206 200 1\n", "\(part.errors)")
                    // The end to end trust of a tunnel is not there, and a client that does not trust us sees it.
                    let other = try await proxy.curl("--cacert", try #require(origin.certificateAuthority), url)
                    #expect(other.status.exitCode == 60)
                }
                let text = try await proxy.curl("--http2", "--cacert", trust, "https://localhost:\(port)/missing")
                #expect(text.output == "404 200 1\n", "\(text.errors)")
                let requests = try await origin.requests().map { "\($0.method) \($0.target) \($0.status)" }
                #expect(requests.filter { $0 == "GET /file 200" }.count == 4)
                let log = await proxy.daemon.process.stopForErrors()
                #expect(log.contains("path=https://localhost:\(port)/file"))
                #expect(log.contains("tunnel=intercepted"))
                #expect(log.contains("does it trust the authority"))
            }
        }
    }

    @Test func manyRequestsOverManyConnections() async throws {
        try await withTemporaryDirectory { directory in
            try await withInterception(in: directory) { proxy, origin, trust, digest in
                let before = try proxy.threads()
                let urls = (0..<40).map { "\(origin.url)/file?\($0)" }
                let result = try await run(
                    .init(
                        "curl",
                        [
                            "--silent", "--parallel", "--parallel-max", "20", "--noproxy", "", "--proxy",
                            "http://\(proxy.daemon.proxy)", "--cacert", trust, "--write-out", "%{http_code}\n",
                        ] + urls.enumerated().flatMap { [$0.element, "-o", "\(directory)/out\($0.offset)"] }
                    )
                )
                #expect(result.output.split(separator: "\n").allSatisfy { $0 == "200" })
                for number in 0..<40 { #expect(try fileDigest("\(directory)/out\(number)") == digest) }
                #expect(try proxy.threads() <= before + 2)
            }
        }
    }

    @Test func anOriginThatNobodyVouchesForIsABadGateway() async throws {
        try await withTemporaryDirectory { directory in
            try await withInterception(hosts: { _ in "[{regx: 127.0.0.1}]" }, in: directory) {
                proxy,
                origin,
                trust,
                _ in
                let result = try await proxy.curl("--cacert", trust, "\(origin.url)/file")
                #expect(result.output == "502 200 1\n", "\(result.errors)")
                #expect(try proxy.body().contains("upstream"))
                #expect(try await origin.requests().isEmpty)
            }
        }
    }

    /// Also those of registries, and with several files, of which one is of the server's authority.
    @Test func whatARuleSendsThroughTheStoreIsFetchedWithTheSameTrust() async throws {
        try await withTemporaryDirectory { directory in
            let client = try await CertificateFiles(in: "\(directory)/client")
            var options = OriginOptions()
            options.directives = """
                ssl_verify_client optional; ssl_client_certificate \(client.authority);
                location / { if ($ssl_client_verify != SUCCESS) { return 403; } }
                """
            let hosts = { (authority: String) in
                """
                [{regx: '^127', certs: [\(client.authority), \(authority)], client_cert: \(client.certificate), \
                client_key: \(client.key)}]
                """
            }
            try await withInterception(options, hosts: hosts, access: "proxies: [{regx: .*}]", in: directory) {
                proxy,
                origin,
                trust,
                digest in
                let place = "\(directory)/root/v2/a/blobs"
                try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
                let blob = try writeRandomFile("\(place)/new", byteCount: 700_000, seed: 413)
                try FileManager.default.moveItem(atPath: "\(place)/new", toPath: "\(place)/\(blob)")
                for (path, digest) in [("/file", digest), ("/v2/a/blobs/\(blob)", blob)] {
                    for _ in 0..<2 {
                        let result = try await proxy.curl("--cacert", trust, "\(origin.url)\(path)")
                        #expect(result.output == "200 200 1\n", "\(result.errors)")
                        #expect(try fileDigest(proxy.out) == digest)
                    }
                    let gets = try await origin.requests().filter { $0.target == path && $0.method == "GET" }
                    // The node's own, some in parts: whatever is passed on is the whole.
                    #expect(!gets.isEmpty && gets.count < 3, "\(gets)")
                }
                #expect(try await proxy.daemon.received(from: "origin") >= 3_700_000)
                let log = await proxy.daemon.process.stopForErrors()
                #expect(!log.contains("direct="), "\(log)")
            }
        }
    }

    /// A supernode knows nothing of what this node was told of the host.
    @Test func whatASupernodeCanNotFetchIsPassedOn() async throws {
        try await withTemporaryDirectory { directory in
            let root = "\(directory)/root"
            try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
            let digest = try writeRandomFile("\(root)/file", byteCount: 300_000, seed: 412)
            let (certificate, key) = try await Self.authority(in: directory)
            var options = OriginOptions()
            options.tls = true
            try await withNginx(root: root, options) { origin in
                let authority = try #require(origin.certificateAuthority)
                try await withSupernode(Configurations.supernode(home: "\(directory)/sn/home"), in: "\(directory)/sn") {
                    supernode in
                    let configuration = Configurations.daemon(
                        home: "\(directory)/proxy/home",
                        supernodes: [supernode.api],
                        "hijack_https: {cert: \(certificate), key: \(key), hosts: [{regx: '^127', certs: [\(authority)]}]}\n"
                            + "proxies: [{regx: .*}]"
                    )
                    try await withDaemon(configuration, in: "\(directory)/proxy") { daemon in
                        let proxy = ProxyRig(daemon: daemon, directory: directory)
                        let result = try await proxy.curl("--cacert", certificate, "\(origin.url)/file")
                        #expect(result.output == "200 200 1\n", "\(result.errors)")
                        #expect(try fileDigest(proxy.out) == digest)
                    }
                }
            }
        }
    }

    @Test func aHostMayBeTrustedBlindly() async throws {
        try await withTemporaryDirectory { directory in
            let hosts = { (_: String) in "[{regx: 'localhost:.*', insecure: true}]" }
            try await withInterception(hosts: hosts, in: directory) { proxy, origin, trust, digest in
                let port = origin.authority.split(separator: ":")[1]
                let result = try await proxy.curl("--cacert", trust, "https://localhost:\(port)/file")
                #expect(result.output == "200 200 1\n", "\(result.errors)")
                #expect(try fileDigest(proxy.out) == digest)
                // Hosts that do not match are tunnelled, to allowed ports.
                let other = try await proxy.curl("--cacert", trust, "https://127.0.0.1:\(port)/file")
                #expect(other.output == "000 403 1\n", "\(other.output)")
            }
        }
    }

    @Test func theOriginIsShownAClientCertificate() async throws {
        try await withTemporaryDirectory { directory in
            let client = try await CertificateFiles(in: "\(directory)/client")
            var options = OriginOptions()
            options.directives = "ssl_verify_client on; ssl_client_certificate \(client.authority);"
            let hosts = { (authority: String) in
                """
                [{regx: '^127', certs: [\(authority), \(client.authority)], client_cert: \(client.certificate), \
                client_key: \(client.key)}, {regx: '^localhost', certs: [\(authority)]}]
                """
            }
            try await withInterception(options, hosts: hosts, in: directory) { proxy, origin, trust, digest in
                let shown = try await proxy.curl("--cacert", trust, "\(origin.url)/file")
                #expect(shown.output == "200 200 1\n", "\(shown.errors)")
                #expect(try fileDigest(proxy.out) == digest)
                let port = origin.authority.split(separator: ":")[1]
                let without = try await proxy.curl("--cacert", trust, "https://localhost:\(port)/file")
                #expect(without.output == "400 200 1\n", "\(without.errors)")
            }
        }
    }

    @Test func passwordsAreAskedForOnce() async throws {
        try await withTemporaryDirectory { directory in
            let users = "\(directory)/users"
            try "ann:secret\n".write(toFile: users, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: users)
            let access = "proxy_access: {users_file: \(users)}"
            try await withInterception(access: access, in: directory) { proxy, origin, trust, digest in
                let url = "\(origin.url)/file"
                #expect(try await proxy.curl("--cacert", trust, url).output == "000 407 1\n")
                let known = try await proxy.curl("--proxy-user", "ann:secret", "--cacert", trust, url)
                #expect(known.output == "200 200 1\n", "\(known.errors)")
                #expect(try fileDigest(proxy.out) == digest)
            }
        }
    }

    @Test func anUpgradeGoesOnOverTLS() async throws {
        try await withTemporaryDirectory { directory in
            try await withByteServer(UpgradeTests.chat) { port in
                var options = OriginOptions()
                options.directives = """
                    location /chat { proxy_pass http://127.0.0.1:\(port); proxy_http_version 1.1; \
                    proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; }
                    """
                try await withInterception(options, in: directory) { proxy, origin, trust, _ in
                    let script = """
                        import socket, ssl, sys
                        host, port = sys.argv[2].split(':')
                        s = socket.create_connection(('127.0.0.1', int(sys.argv[1])), 30)
                        s.sendall(f'CONNECT {host}:{port} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'.encode())
                        assert s.recv(4096).startswith(b'HTTP/1.1 200 ')
                        s = ssl.create_default_context(cafile=sys.argv[3]).wrap_socket(s, server_hostname=host)
                        s.sendall(b'GET /chat HTTP/1.1\\r\\nHost: x\\r\\nConnection: Upgrade\\r\\nUpgrade: chat\\r\\n\\r\\n')
                        f = s.makefile('rb')
                        print(f.readline().decode().strip())
                        for _ in range(2):
                            while f.readline().strip(): pass
                        for word in (b'one\\n', b'two\\n'):
                            s.sendall(word)
                            print(f.readline().decode().strip())
                        """
                    let arguments = ["-c", script, "\(proxy.port)", origin.authority, trust]
                    let output = try await runSuccessfully(.init("python3", arguments))
                    #expect(output == "HTTP/1.1 101 Switching Protocols\ngot one\ngot two\n")
                }
            }
        }
    }

    @Test func aClientOfHTTP10GetsTheEndThatItKnows() async throws {
        try await withTemporaryDirectory { directory in
            try await withInterception(in: directory) { proxy, origin, trust, _ in
                let script = """
                    import socket, ssl, sys
                    host, port = sys.argv[2].split(':')
                    s = socket.create_connection(('127.0.0.1', int(sys.argv[1])), 30)
                    s.sendall(f'CONNECT {host}:{port} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'.encode())
                    assert s.recv(4096).startswith(b'HTTP/1.1 200 ')
                    s = ssl.create_default_context(cafile=sys.argv[3]).wrap_socket(s, server_hostname=host)
                    s.sendall(b'HEAD /file HTTP/1.0\\r\\n\\r\\n')
                    print('connection: close' in s.makefile('rb').read().decode().lower())
                    """
                let arguments = ["-c", script, "\(proxy.port)", origin.authority, trust]
                let output = try await runSuccessfully(.init("python3", arguments))
                #expect(output == "True\n")
            }
        }
    }

    @Test func anUpgradeThatIsDeclinedIsAnOrdinaryAnswer() async throws {
        try await withTemporaryDirectory { directory in
            try await withInterception(in: directory) { proxy, origin, trust, digest in
                let script = """
                    import hashlib, socket, ssl, sys
                    host, port = sys.argv[2].split(':')
                    s = socket.create_connection(('127.0.0.1', int(sys.argv[1])), 30)
                    s.sendall(f'CONNECT {host}:{port} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'.encode())
                    assert s.recv(4096).startswith(b'HTTP/1.1 200 ')
                    s = ssl.create_default_context(cafile=sys.argv[3]).wrap_socket(s, server_hostname=host)
                    s.sendall(b'GET /file HTTP/1.1\\r\\nHost: x\\r\\nConnection: Upgrade\\r\\nUpgrade: chat\\r\\n\\r\\n'
                              b'GET /second HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n')
                    head, body = s.makefile('rb').read().split(b'\\r\\n\\r\\n', 1)
                    print(head.split(b'\\r\\n')[0].decode(), b'connection: close' in head.lower(), hashlib.sha256(body).hexdigest())
                    """
                let arguments = ["-c", script, "\(proxy.port)", origin.authority, trust]
                let output = try await runSuccessfully(.init("python3", arguments))
                #expect(output == "HTTP/1.1 200 OK True \(digest.hex)\n")
                let requests = try await origin.requests()
                #expect(requests.map(\.target).allSatisfy { $0 == "/file" })
            }
        }
    }

    /// TLS begins in the same packet as the CONNECT.
    @Test func aClientThatDoesNotWaitForTheAnswer() async throws {
        try await withTemporaryDirectory { directory in
            try await withInterception(in: directory) { proxy, origin, trust, _ in
                let script = """
                    import socket, ssl, sys
                    host, port = sys.argv[2].split(':')
                    s = socket.create_connection(('127.0.0.1', int(sys.argv[1])), 30)
                    ours, theirs = ssl.MemoryBIO(), ssl.MemoryBIO()
                    tls = ssl.create_default_context(cafile=sys.argv[3]).wrap_bio(theirs, ours, server_hostname=host)
                    def run(step):
                        while True:
                            try: return step()
                            except ssl.SSLWantReadError:
                                s.sendall(ours.read())
                                theirs.write(s.recv(65536))
                    try: tls.do_handshake()
                    except ssl.SSLWantReadError: pass
                    s.sendall(f'CONNECT {host}:{port} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'.encode() + ours.read())
                    data = b''
                    while b'\\r\\n\\r\\n' not in data: data += s.recv(1)
                    run(tls.do_handshake)
                    tls.write(b'HEAD /file HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n')
                    s.sendall(ours.read())
                    print(run(lambda: tls.read(65536)).decode().splitlines()[0])
                    """
                let arguments = ["-c", script, "\(proxy.port)", origin.authority, trust]
                #expect(try await runSuccessfully(.init("python3", arguments)) == "HTTP/1.1 200 OK\n")
                let requests = try await origin.requests()
                #expect(requests.map(\.method) == ["HEAD"])
            }
        }
    }

    @Test func anAuthorityIsMadeOnce() async throws {
        try await withTemporaryDirectory { directory in
            let place = "\(directory)/new/ca"
            func make(_ more: [String]) async throws -> CommandResult {
                try await run(.init(try builtExecutable("dfdaemon"), ["gen-ca", "--out", place] + more))
            }
            let first = try await make([])
            #expect(first.status.exitCode == 0, "\(first.errors)")
            for word in [
                "hijack_https:", "update-ca-certificates", "update-ca-trust", "hosts.toml", "/etc/docker/certs.d",
            ] {
                #expect(first.output.contains(word))
            }
            let key = try FileManager.default.attributesOfItem(atPath: "\(place)/ca.key")
            #expect(key[.posixPermissions] as? Int == 0o600)
            let certificate = try fileDigest("\(place)/ca.crt")
            let again = try await make([])
            #expect(again.status.exitCode != 0)
            #expect(again.errors.contains("--force"))
            #expect(try fileDigest("\(place)/ca.crt") == certificate)
            #expect(try await make(["--force", "--days", "30"]).status.exitCode == 0)
            #expect(try fileDigest("\(place)/ca.crt") != certificate)
            try await runSuccessfully(
                .init("openssl", ["verify", "-x509_strict", "-CAfile", "\(place)/ca.crt", "\(place)/ca.crt"])
            )
            #expect(try await make(["--days", "0"]).status.exitCode == 64)
        }
    }

    @Test("An authority that can not sign is told at the start", arguments: ["swapped", "foreign", "missing"])
    func authorities(fault: String) async throws {
        try await withTemporaryDirectory { directory in
            let (certificate, key) = try await Self.authority(in: directory)
            let other = try await CertificateFiles(in: "\(directory)/other")
            let (cert, secret, word) =
                switch fault {
                case "swapped": (key, certificate, "is no PEM file with certificates")
                case "foreign": (certificate, other.key, "not that of the certificate")
                default: (certificate, "/nonexistent", "can not be read")
                }
            let file = "\(directory)/dfdaemon.yml"
            try "home: \(directory)/home\nhijack_https: {cert: \(cert), key: \(secret), hosts: [{regx: x}]}\n"
                .write(toFile: file, atomically: true, encoding: .utf8)
            let result = try await run(.init(try builtExecutable("dfdaemon"), ["--config", file]))
            #expect(result.status.exitCode == 78, "\(result.errors)")
            #expect(
                result.errors.contains(word) && result.errors.contains(cert == key ? cert : "key"),
                "\(result.errors)"
            )
        }
    }
}
