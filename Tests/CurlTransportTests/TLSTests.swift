import Content
import CurlTransport
import Foundation
import TestSupport
import Testing

/// TLS and HTTP/2 against nginx.
@Suite struct TLSTests {
    let content = randomBytes(3_000_000, seed: 10)

    private func withServer(_ body: (NginxServer, CurlTransport) async throws -> Void) async throws {
        try await NginxServer.with(content: content) { server in
            try await withTransport { try await body(server, $0) }
        }
    }

    private func request(_ server: NginxServer, _ path: String = "/file", host: String = "localhost") -> TransferRequest
    {
        var request = TransferRequest(url: "https://\(host)\(path)")
        request.options.unixSocketPath = server.socket
        request.options.tls.caFile = server.caFile
        return request
    }

    @Test func certificatesAreVerifiedUnlessSaidOtherwise() async throws {
        try await withServer { server, transport in
            var plain = request(server)
            plain.options.tls = TLSOptions()
            let error = await failure { [plain] in try await transport.fetch(plain) }
            #expect(error?.code == .tls)
            #expect(error?.curlCode == 60)
            var insecure = plain
            insecure.options.tls.verify = false
            let response = try await transport.fetch(insecure)
            #expect(response.body.elementsEqual(content))
            // The open connection of the insecure one is not for the others.
            let again = await failure { [plain] in try await transport.fetch(plain) }
            #expect(again?.code == .tls)
        }
    }

    @Test func anAuthorityComesFromAFileOrText() async throws {
        try await withServer { server, transport in
            let byFile = try await transport.fetch(request(server))
            #expect(byFile.body.elementsEqual(content))
            var byText = request(server)
            byText.options.tls = TLSOptions(caPEM: try String(contentsOfFile: server.caFile, encoding: .utf8))
            let response = try await transport.fetch(byText)
            #expect(response.body.elementsEqual(content))
            var missing = request(server)
            missing.options.tls.caFile = "/nonexistent"
            let error = await failure { [missing] in try await transport.fetch(missing) }
            #expect(error?.code == .tls)
        }
    }

    @Test func ofSeveralFilesEachMustBeReadable() async throws {
        try await withServer { server, transport in
            let (other, missing) = (server.clientCertificate, "\(server.directory)/missing.crt")
            var request = request(server)
            request.options.tls.caFiles = [other, server.caFile]
            let response = try await transport.fetch(request)
            #expect(response.body.elementsEqual(content))
            // One alone is libcurl's to read, and several are not; the connection that is open is for neither.
            for files in [[server.caFile, missing], [missing, server.caFile], [missing]] {
                request.options.tls.caFiles = files
                let error = await failure { [request] in try await transport.fetch(request) }
                #expect(error?.code == .tls)
                #expect(
                    error?.message == "https://localhost: the certificate authorities in \(missing) can not be read: "
                        + "No such file or directory"
                )
            }
            // What is good alone does not make up for it.
            request.options.tls.caFiles = [other, other]
            let untrusted = await failure { [request] in try await transport.fetch(request) }
            #expect(untrusted?.curlCode == 60)
            try FileManager.default.copyItem(atPath: server.caFile, toPath: missing)
            request.options.tls.caFiles = [other, missing]
            let again = try await transport.fetch(request)
            #expect(again.body.elementsEqual(content))
        }
    }

    @Test func aCertificateForAnotherNameIsRefused() async throws {
        try await withServer { server, transport in
            let wrong = request(server, host: "elsewhere")
            let error = await failure { try await transport.fetch(wrong) }
            #expect(error?.code == .tls)
        }
    }

    @Test func theVersionOfHTTPIsTheOneAskedFor() async throws {
        try await withServer { server, transport in
            var request = request(server)
            // Each after the other, so that a kept connection of the wrong version would be noticed.
            for (version, expected) in [(HTTPVersion.http2, "2"), (.http1, "1.1"), (.http2, "2"), (.http1, "1.1")] {
                request.options.httpVersion = version
                let response = try await transport.fetch(request)
                #expect(response.head.httpVersion == expected)
                #expect(response.body.elementsEqual(content))
            }
        }
    }

    @Test func anHTTP2StreamCanBePausedWhileOthersUseItsConnection() async throws {
        try await withServer { server, transport in
            var request = request(server)
            request.options.httpVersion = .http2
            let gate = TestEvent()
            let sink = RecordingSink { state in
                state.body.count >= 100_000 && !gate.hasFired ? .paused : .consumed
            }
            async let paused = transport.perform(request, into: sink)
            await sink.gotPaused.wait()
            let other = RecordingSink()
            let summary = try await transport.perform(request, into: other)
            #expect(summary.reusedConnection)
            #expect(other.body.elementsEqual(content))
            gate.fire()
            sink.resume()
            _ = try await paused
            #expect(sink.body.elementsEqual(content))
        }
    }

    @Test func anHTTP2StreamThatIsCancelledLeavesItsConnectionToTheOthers() async throws {
        try await withServer { server, transport in
            var request = request(server)
            request.options.httpVersion = .http2
            let sink = RecordingSink { _ in .paused }
            let task = Task { [request] in await failure { try await transport.perform(request, into: sink) } }
            await sink.gotPaused.wait()
            task.cancel()
            #expect(await task.value?.code == .cancelled)
            let response = try await transport.fetch(request)
            #expect(response.body.elementsEqual(content))
        }
    }

    @Test func aClientCertificateIsShownToTheOriginOnly() async throws {
        try await withServer { server, transport in
            var request = request(server, "/whoami")
            let anonymous = try await transport.fetch(request)
            #expect(anonymous.body.isEmpty)
            request.options.tls.clientCertificate = server.clientCertificate
            request.options.tls.clientKey = server.clientKey
            let known = try await transport.fetch(request)
            #expect(known.body == Array("CN=client".utf8))
            request.url = "https://localhost/away"
            let redirected = try await transport.fetch(request)
            #expect(redirected.head.url == "https://other/whoami")
            #expect(redirected.body.isEmpty)
        }
    }
}
