import DownloadTool
import Foundation
import NodeConfig
import Testing

@Suite struct ConfigurationTests {
    private static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    @Test("config/dfget.yml loads, says the defaults, and leaves no key out")
    func file() throws {
        let path = Self.root.appending(path: "config/dfget.yml").path
        var loaded = ToolConfiguration()
        try ConfigFile.load(path: path, into: &loaded)
        #expect(printed(loaded) == printed(ToolConfiguration()))
        let text = try String(contentsOfFile: path, encoding: .utf8)
        for line in printed(ToolConfiguration()).split(separator: "\n") {
            let key = line.prefix { $0 != ":" }
            #expect(text.contains("\n\(key):") || text.hasPrefix("\(key):"), "dfget.yml does not show '\(key)'")
        }
    }

    @Test("A piece server that no other node could reach is refused when the configuration is read")
    func unreachablePieces() {
        var configuration = ToolConfiguration()
        let error = #expect(throws: ConfigError.self) {
            try ConfigFile.parse(
                text: "alive_time: 1m\npieces: {address: 'unix:/run/x'}",
                file: "dfget.yml",
                into: &configuration
            )
        }
        #expect(error?.description.contains("dfget.yml:2: 'pieces' must have an address of host:port") == true)
    }

    @Test("docs/dfget.md has the exit codes as they are")
    func documentation() throws {
        let text = try String(contentsOf: Self.root.appending(path: "docs/dfget.md"), encoding: .utf8)
        for status in ExitStatus.allCases {
            #expect(text.contains("| \(status.rawValue) | \(status.meaning) |"), "\(status)")
        }
    }
}
