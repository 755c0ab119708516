import Foundation
import HTTPService
import Hummingbird
import TestSupport
import Testing

@Suite struct TLSTests {
    /// A self-signed certificate for 127.0.0.1, made by openssl.
    static func certificate(
        in directory: TemporaryDirectory,
        name: String
    ) async throws -> (certificate: String, key: String) {
        let key = directory.url.appendingPathComponent("\(name).key").path
        let certificate = directory.url.appendingPathComponent("\(name).crt").path
        let result = try await run(
            "/usr/bin/openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj",
                "/CN=\(name)", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate,
            ]
        )
        try #require(result.exitCode == 0, "\(result.errors)")
        return (certificate, key)
    }

    @Test func servesFilesEncrypted() async throws {
        let directory = try TemporaryDirectory()
        let files = try await Self.certificate(in: directory, name: "server")
        let content = sampleBytes(5_000_000)
        let file = try OpenFile(content)
        var configuration = ListenerConfiguration.local()
        configuration.tls = .init(certificate: files.certificate, key: files.key)
        try await withListener(configuration) {
            $0.get("file") { _, _ in Response.file(file.slice(1..<5_000_000)) }
            $0.get("short") { _, _ in Response.file(file.slice(4_000_000..<6_000_000)) }
        } _: { server in
            let url = server.url("/file", scheme: "https")
            let result = try await curl(
                "--cacert",
                files.certificate,
                url,
                url,
                "--write-out",
                "%{stderr}%{num_connects} "
            )
            #expect(result.exitCode == 0)
            #expect(result.output.elementsEqual(content.dropFirst() + content.dropFirst()))
            #expect(result.errors == "1 0 ")
            let short = try await curl("--cacert", files.certificate, server.url("/short", scheme: "https"))
            #expect(short.exitCode != 0)
            let value1 = try await curl(url).exitCode
            #expect(value1 == 60)
        }
    }

    /// As libcurl keeps its idle connections, without a look at them.
    @Test func aClientThatDoesNotAnswerTheEndHoldsNobodyUp() async throws {
        let directory = try TemporaryDirectory()
        let files = try await Self.certificate(in: directory, name: "server")
        var configuration = ListenerConfiguration.local()
        configuration.tls = .init(certificate: files.certificate, key: files.key)
        configuration.drain = .seconds(3600)
        let request = try TemporaryFile(Data("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
        let clock = ContinuousClock()
        var end = clock.now
        var client: RunningProcess?
        try await withListener(configuration, routes: ListenerTests.hello) { server in
            var command = RunningProcess.Command(
                "openssl",
                ["s_client", "-quiet", "-connect", "127.0.0.1:\(server.port)"]
            )
            command.input = request.url.path
            let process = try RunningProcess(command)
            client = process
            try await process.line(containing: "Content-Length")
            process.signal(SIGSTOP)
            end = clock.now
        }
        let held = end.duration(to: clock.now)
        await client?.kill()
        // Otherwise it waits for the client for 5 s.
        #expect(held < .seconds(4))
    }

    @Test func asksForAClientCertificate() async throws {
        let directory = try TemporaryDirectory()
        let files = try await Self.certificate(in: directory, name: "server")
        let client = try await Self.certificate(in: directory, name: "client")
        let stranger = try await Self.certificate(in: directory, name: "stranger")
        var configuration = ListenerConfiguration.local()
        configuration.tls = .init(certificate: files.certificate, key: files.key, clientCA: client.certificate)
        try await withListener(configuration, routes: ListenerTests.hello) { server in
            func get(_ arguments: [String]) async throws -> CurlResult {
                let url = server.url("/hello", scheme: "https")
                return try await run("/usr/bin/curl", ["-s", "--cacert", files.certificate, url] + arguments)
            }
            let value2 = try await get(["--cert", client.certificate, "--key", client.key]).text
            #expect(value2 == "127.0.0.1")
            let value3 = try await get(["--cert", stranger.certificate, "--key", stranger.key]).exitCode
            #expect(value3 != 0)
            let value4 = try await get([]).exitCode
            #expect(value4 != 0)
        }
    }

    @Test("A certificate is read again when its files change; what can not be used leaves what was shown")
    func certificatesChange() async throws {
        let directory = try TemporaryDirectory()
        let files = try await Self.certificate(in: directory, name: "server")
        let first = try await Self.certificate(in: directory, name: "first")
        let second = try await Self.certificate(in: directory, name: "second")
        func put(_ source: String, _ target: String) throws {
            try Data(contentsOf: URL(filePath: source)).write(to: URL(filePath: target), options: .atomic)
        }
        try put(first.certificate, files.certificate)
        try put(first.key, files.key)
        var configuration = ListenerConfiguration.local()
        configuration.tls = .init(certificate: files.certificate, key: files.key)
        try await withListener(configuration, routes: ListenerTests.hello) { server in
            func shows(_ certificate: String) async throws -> Bool {
                let url = server.url("/hello", scheme: "https")
                return try await run("/usr/bin/curl", ["-s", "--cacert", certificate, url]).exitCode == 0
            }
            #expect(try await shows(first.certificate))
            try put(second.certificate, files.certificate)
            #expect(try await shows(first.certificate))
            try put(second.key, files.key)
            #expect(try await shows(second.certificate))
            #expect(try await !shows(first.certificate))
            try Data("x".utf8).write(to: URL(filePath: files.certificate), options: .atomic)
            try FileManager.default.removeItem(atPath: files.key)
            #expect(try await shows(second.certificate))
            try put(first.certificate, files.certificate)
            try put(first.key, files.key)
            #expect(try await shows(first.certificate))
        }
    }

    @Test("Without a certificate yet a connection ends at once, and with one it is served")
    func certificateComesLater() async throws {
        let directory = try TemporaryDirectory()
        let files = try await Self.certificate(in: directory, name: "server")
        let tls = ServerTLS()
        try await withListener(tls: tls, routes: ListenerTests.hello) { server in
            let url = server.url("/hello", scheme: "https")
            let none = try await run("/usr/bin/curl", ["-s", "--cacert", files.certificate, url])
            #expect(none.exitCode != 0)
            let certificate = try String(contentsOfFile: files.certificate, encoding: .utf8)
            #expect(throws: (any Error).self) { try tls.replace(certificatePEM: certificate, keyPEM: certificate) }
            let key = try String(contentsOfFile: files.key, encoding: .utf8)
            try tls.replace(certificatePEM: certificate, keyPEM: key)
            let served = try await run("/usr/bin/curl", ["-s", "--cacert", files.certificate, url])
            #expect(served.text == "127.0.0.1")
        }
    }

    @Test func aMissingCertificateIsNamed() async throws {
        var configuration = ListenerConfiguration.local()
        configuration.tls = .init(certificate: "/nowhere/server.crt", key: "/nowhere/server.key")
        let listener = HTTPListener(
            name: "api",
            configuration: configuration,
            responder: Router(context: ServiceRequestContext.self).buildResponder(),
            logger: quietLogger
        )
        let error = await #expect(throws: ListenError.self) { try await listener.run() }
        #expect(error?.code == .badCertificate)
        #expect(error?.description.contains("/nowhere/server.crt") == true)
    }
}
