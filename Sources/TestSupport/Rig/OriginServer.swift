internal import Foundation

/// nginx serving a directory, with a log of how many bytes left it.
package struct OriginServer: Sendable {
    /// One line of its access log.
    package struct Request: Sendable, Hashable {
        /// GET, HEAD, ...
        package let method: String
        /// Path and query.
        package let target: String
        /// The response's status.
        package let status: Int
        /// Bytes of the response's body that were sent.
        package let bodyBytes: Int64
        /// The Range header, without one nil.
        package let range: String?

        init?(line: String) {
            let fields = line.split(separator: " ", maxSplits: 4).map(String.init)
            guard fields.count == 5, let status = Int(fields[2]), let bytes = Int64(fields[3]) else { return nil }
            method = fields[0]
            target = fields[1]
            self.status = status
            bodyBytes = bytes
            range = fields[4] == "-" ? nil : fields[4]
        }
    }

    /// The server's process.
    package let process: RunningProcess
    /// The URL of its root, without a slash at the end.
    package let url: String
    /// `127.0.0.1:PORT`.
    package let authority: String
    /// The CA that signed its certificate, if it speaks TLS.
    package let certificateAuthority: String?
    private let accessLog: String

    fileprivate init(process: RunningProcess, port: UInt16, tls: Bool, directory: String) {
        self.process = process
        authority = "127.0.0.1:\(port)"
        url = "\(tls ? "https" : "http")://\(authority)"
        certificateAuthority = tls ? "\(directory)/tls/ca.crt" : nil
        accessLog = "\(directory)/access.log"
    }

    /// The requests answered so far, in the order of their ends.
    ///
    /// Nothing is missed: nginx's only worker logs a request in the turn that sends its last byte, so the answer to a
    /// later request says that the line is there.
    package func requests() async throws -> [Request] {
        let trust = certificateAuthority.map { ["--cacert", $0] } ?? []
        try await runSuccessfully(.init("curl", trust + ["-sSf", "--noproxy", "*", "\(url)/-/barrier"]))
        return try String(contentsOfFile: accessLog, encoding: .utf8).split(separator: "\n")
            .compactMap { Request(line: String($0)) }
    }

    /// How many bytes of bodies have left it so far, all requests together.
    package func originBytes() async throws -> Int64 {
        try await requests().reduce(0) { $0 + $1.bodyBytes }
    }
}

/// How nginx is set up.
package struct OriginOptions: Sendable {
    /// Serve with TLS, with a certificate of a CA of its own.
    package var tls = false
    /// The most bytes a second each response gets, as nginx writes it (`20m`); nil: no limit.
    package var rate: String?
    /// Directives for the server block, like `max_ranges 0;`.
    package var directives = ""
    /// A port that is known before; nil: a free one.
    package var port: UInt16?

    /// Plain HTTP, as fast as it goes.
    package init() {}
}

/// Runs nginx for the time of `body`, serving the files below `root`.
package func withNginx<Result>(
    root: String,
    _ options: OriginOptions = OriginOptions(),
    _ body: (OriginServer) async throws -> Result
) async throws -> Result {
    try await withTemporaryDirectory { directory in
        let port = options.port ?? FreePort.next()
        var arguments = [directory, root, "--port", "\(port)", "--extra", options.directives, "--foreground"]
        if options.tls { arguments.append("--tls") }
        if let rate = options.rate { arguments += ["--rate", rate] }
        return try await withProcess(RigScripts.command("start-nginx.sh", arguments)) { process in
            try await process.line(containing: "start worker process")
            return try await body(OriginServer(process: process, port: port, tls: options.tls, directory: directory))
        }
    }
}
