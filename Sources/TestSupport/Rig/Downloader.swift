package import Content
internal import Foundation

/// What `dfget --json` says at its end.
package struct DownloadSummary: Sendable, Decodable {
    /// Where the bytes came from.
    package struct Sources: Sendable, Decodable {
        /// Bytes that dfget or its daemon fetched from the origin itself.
        package let origin: Int64
        /// Bytes from the supernode.
        package let supernode: Int64
        /// Bytes from other nodes.
        package let peers: Int64
        /// Bytes that the node had already.
        package let cache: Int64
    }

    /// The content's length.
    package let bytes: Int64
    /// How long it took.
    package let seconds: Double
    /// The content's digest, where it was computed.
    package let digest: Digest?
    /// Where the bytes came from.
    package let from: Sources
}

/// dfget with `arguments`, to be run or started.
package func dfget(_ arguments: [String]) throws -> RunningProcess.Command {
    RunningProcess.Command(try builtExecutable("dfget"), arguments)
}

/// Runs dfget, which must succeed, with `--json`.
package func download(_ arguments: [String], within limit: Duration = .seconds(120)) async throws -> DownloadSummary {
    let output = try await runSuccessfully(try dfget(arguments + ["--json"]), within: limit)
    guard let line = output.split(separator: "\n").last(where: { $0.hasPrefix("{") }) else {
        throw RigError("dfget printed no summary:\n\(output)")
    }
    return try JSONDecoder().decode(DownloadSummary.self, from: Data(line.utf8))
}
