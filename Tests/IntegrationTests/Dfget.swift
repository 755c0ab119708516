import Foundation
import TestSupport
import Testing

/// dfget without anything of this machine's: no daemon, no configuration, no server left behind.
struct Dfget: Sendable {
    let directory: String
    private let configuration: String

    /// `directory`: where it works; its outputs go to `directory/out`.
    ///
    /// `patience`: how long it waits for a supernode that is its only way; `more` is further YAML.
    init(in directory: String, patience: String = "0s", _ more: String = "") throws {
        self.directory = directory
        configuration = "\(directory)/dfget.yml"
        try FileManager.default.createDirectory(atPath: "\(directory)/out", withIntermediateDirectories: true)
        let text = """
            home: \(directory)/no-daemon
            alive_time: 0s
            origin: {retry: {base_delay: 20ms}}
            peer: {failover: 2s, back_to_source_delay: 50ms, patience: \(patience)}
            \(more)
            """
        try text.write(toFile: configuration, atomically: true, encoding: .utf8)
    }

    /// The path of an output.
    func output(_ name: String = "file") -> String { "\(directory)/out/\(name)" }

    /// What there is in the outputs' directory, hidden files too.
    func outputs() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "\(directory)/out").sorted()
    }

    func command(_ arguments: [String]) throws -> RunningProcess.Command {
        try dfget(["--config", configuration] + arguments)
    }

    /// Must succeed.
    func get(_ arguments: [String]) async throws -> DownloadSummary {
        try await download(["--config", configuration] + arguments)
    }

    /// Must fail with this exit status, and say why in one line.
    func fails(_ arguments: [String]) async throws -> (code: Int32?, line: String, lines: Int) {
        let result = try await run(try command(arguments))
        let lines = result.errors.split(separator: "\n")
        return (result.status.exitCode, String(lines.last ?? ""), lines.count)
    }

    /// The server that holds the output after its dfget has ended.
    ///
    /// `home`: where it writes its log; nil: the home of the configuration.
    func server(holding output: String, home: String? = nil) throws -> ForeignProcess {
        let log = "\(home ?? "\(directory)/no-daemon")/dfget-server.log"
        return try #require(
            ForeignProcess(holding: output),
            "\((try? String(contentsOfFile: log, encoding: .utf8)) ?? "no server has started")"
        )
    }
}
