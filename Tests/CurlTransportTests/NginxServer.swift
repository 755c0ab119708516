import Foundation
import TestSupport

/// nginx on a Unix socket with TLS, HTTP/2 and a certificate authority of its own.
struct NginxServer {
    let directory: String

    var socket: String { "\(directory)/nginx.sock" }
    var caFile: String { "\(directory)/ca.crt" }
    var clientCertificate: String { "\(directory)/client.crt" }
    var clientKey: String { "\(directory)/client.key" }

    /// Answers: `/file` with `content`, `/whoami` with the client certificate's subject, `/away` with a redirect to another host.
    static func with(content: [UInt8], _ body: (NginxServer) async throws -> Void) async throws {
        try await withTemporaryDirectory { directory in
            let server = NginxServer(directory: directory)
            try server.makeCertificates()
            try Data(content).write(to: URL(filePath: "\(directory)/file"))
            try server.configuration.write(toFile: "\(directory)/nginx.conf", atomically: true, encoding: .utf8)
            // It goes into the background when it listens.
            try run("nginx", "-p", directory, "-c", "\(directory)/nginx.conf", "-e", "\(directory)/error.log")
            defer { server.stop() }
            try await body(server)
        }
    }

    private var configuration: String {
        """
        pid \(directory)/nginx.pid;
        master_process off;
        events {}
        http {
            access_log off;
            client_body_temp_path \(directory); proxy_temp_path \(directory); fastcgi_temp_path \(directory);
            uwsgi_temp_path \(directory); scgi_temp_path \(directory);
            server {
                listen unix:\(socket) ssl http2;
                ssl_certificate \(directory)/server.crt;
                ssl_certificate_key \(directory)/server.key;
                ssl_client_certificate \(caFile);
                ssl_verify_client optional;
                root \(directory);
                location = /whoami { return 200 "$ssl_client_s_dn"; }
                location = /away { return 302 https://other/whoami; }
            }
        }
        """
    }

    private func makeCertificates() throws {
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        try Self.run(
            "openssl",
            ["req", "-x509", "-keyout", "\(directory)/ca.key", "-out", caFile, "-subj", "/CN=Test CA"] + key
        )
        for (name, names) in [("server", "DNS:localhost,DNS:other"), ("client", "DNS:client")] {
            let path = "\(directory)/\(name)"
            try "subjectAltName=\(names)".write(toFile: "\(path).ext", atomically: true, encoding: .utf8)
            try Self.run(
                "openssl",
                ["req", "-keyout", "\(path).key", "-out", "\(path).csr", "-subj", "/CN=\(name)"] + key
            )
            try Self.run(
                "openssl",
                "x509",
                "-req",
                "-in",
                "\(path).csr",
                "-CA",
                caFile,
                "-CAkey",
                "\(directory)/ca.key",
                "-CAcreateserial",
                "-out",
                "\(path).crt",
                "-extfile",
                "\(path).ext"
            )
        }
    }

    private func stop() {
        guard let text = try? String(contentsOfFile: "\(directory)/nginx.pid", encoding: .utf8),
            let process = pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines))
        else { return }
        // At once, so that it takes nothing away from under the removal of its directory.
        kill(process, SIGKILL)
    }

    private static func run(_ name: String, _ arguments: String...) throws { try run(name, arguments) }

    /// Runs a command to its end.
    ///
    /// Not by Foundation's `Process`: its `waitUntilExit` needs a thread that a pool full of tests does not have.
    private static func run(_ name: String, _ arguments: [String]) throws {
        var words: [UnsafeMutablePointer<CChar>?] = ([name] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for descriptor in 0...2 as ClosedRange<Int32> {
            posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
        }
        // NIO's accepted sockets survive an exec, and whoever inherits one keeps its peer waiting for the end.
        for descriptor in 3..<256 as Range<Int32> { posix_spawn_file_actions_addclose(&actions, descriptor) }
        // The threads of Swift's pool block the signals that are to end nginx.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var process: pid_t = 0
        var status: Int32 = 0
        let result = posix_spawnp(&process, name, &actions, &attributes, &words, environ)
        guard result == 0, waitpid(process, &status, 0) == process, status == 0 else {
            throw CommandFailure(description: "\(name) \(arguments) failed: \(result), \(status)")
        }
    }

    struct CommandFailure: Error, CustomStringConvertible { var description: String }
}
