import Foundation
import TestSupport
import Testing

/// What servers may send a download to, seen in a network of its own that has public and private addresses.
@Suite(.serialized) struct RedirectTests {
    /// `/here` is a file, `/to/HOST` redirects to that host's.
    private static let server = """
        import http.server, os, sys
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            def do_GET(self):
                to = self.path.startswith("/to/")
                self.send_response(302 if to else 200)
                if to:
                    self.send_header("Location", "http://" + self.path[4:] + ":8080/here")
                body = b"" if to else b"content"
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            def log_message(self, *rest):
                pass
        server = http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Handler)
        if os.fork() == 0:
            server.serve_forever()
            sys.exit()
        """

    @Test(
        "A public server's redirect into a private network is not followed unless that network is allowed",
        .enabled(if: geteuid() == 0, "a network of its own needs root")
    )
    func intoPrivateNetwork() async throws {
        try await withTemporaryDirectory { directory in
            try Self.server.write(toFile: "\(directory)/server.py", atomically: true, encoding: .utf8)
            let commands: [(String, String, Bool)] = [
                ("[]", "10.9.9.9:8080/here", true), ("[]", "10.9.9.9:8080/to/10.8.8.8", true),
                ("[]", "10.9.9.9:8080/to/203.0.113.7", true), ("[]", "203.0.113.7:8080/to/203.0.113.8", true),
                ("[]", "203.0.113.7:8080/to/10.9.9.9", false), ("[10.9.0.0/16]", "203.0.113.7:8080/to/10.9.9.9", true),
                ("[10.9.0.0/16]", "203.0.113.7:8080/to/10.8.8.8", false),
            ]
            var script = "set -e; ip link set lo up; "
            for address in ["203.0.113.7", "203.0.113.8", "10.9.9.9", "10.8.8.8"] {
                script += "ip address add \(address)/32 dev lo; "
            }
            script += "python3 \(directory)/server.py; set +e; "
            for (number, (allowed, url, _)) in commands.enumerated() {
                let configuration = "\(directory)/\(number).yml"
                try """
                home: \(directory)/home\(number)
                alive_time: 0s
                origin: {allow_addresses: \(allowed)}
                """
                .write(toFile: configuration, atomically: true, encoding: .utf8)
                let dfget = try builtExecutable("dfget")
                script +=
                    "\(dfget) --config \(configuration) -u http://\(url) -o \(directory)/out\(number) 2>&1; echo \(number)=$?; "
            }
            // The process namespace ends the server with the shell.
            let result = try await run(
                .init("unshare", ["--net", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script])
            )
            for (number, (allowed, url, succeeds)) in commands.enumerated() {
                let output = try? String(contentsOfFile: "\(directory)/out\(number)", encoding: .utf8)
                #expect(output == (succeeds ? "content" : nil), "\(url), \(allowed): \(result.output)")
                #expect(result.output.contains("\(number)=0\n") == succeeds, "\(result.output)")
            }
            #expect(result.output.contains("connections to 10.9.9.9 are not allowed, where a public server redirects"))
        }
    }
}
