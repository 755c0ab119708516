import Foundation
import NodeConfig
import Synchronization
import TestSupport
import Testing

/// A configuration that is read again when it changes.
@Suite struct LiveFileTests {
    private final class Reports: Sendable {
        let all = Mutex<[String]>([])

        func add(_ value: String?, _ error: ConfigError?) {
            all.withLock { $0.append(value ?? error?.message ?? "") }
        }

        /// What was told since the last time.
        func take() -> [String] {
            all.withLock { all in
                defer { all = [] }
                return all
            }
        }
    }

    private func live(_ path: String?, _ reports: Reports) -> LiveFile<String> {
        LiveFile(path, value: "first") { path throws(ConfigError) in
            let text = try ConfigFile.read(path)
            guard !text.hasPrefix("bad") else { throw ConfigError(file: path, message: text) }
            return text
        } report: {
            reports.add($0, $1)
        }
    }

    @Test("What the file says is what it says now; a broken one leaves the last good one, and is told once")
    func changes() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/file"
            func write(_ text: String) throws { try text.write(toFile: path, atomically: true, encoding: .utf8) }
            try write("second")
            let reports = Reports()
            let live = live(path, reports)
            #expect(live.current == "second")
            #expect(live.current == "second")
            #expect(reports.take() == ["second"])
            try write("bad third")
            #expect(live.current == "second")
            #expect(live.current == "second")
            #expect(reports.take() == ["bad third"])
            try FileManager.default.removeItem(atPath: path)
            #expect(live.current == "second")
            #expect(live.current == "second")
            #expect(reports.take() == ["cannot be read: No such file or directory"])
            try write("fourth")
            #expect(live.current == "fourth")
            live.reload()
            #expect(reports.take() == ["fourth", "fourth"])
        }
    }

    @Test("A symbolic link anywhere in the path that leads elsewhere is a change")
    func links() async throws {
        try await withTemporaryDirectory { directory in
            let manager = FileManager.default
            for name in ["one", "two"] {
                try manager.createDirectory(atPath: "\(directory)/\(name)", withIntermediateDirectories: true)
                try name.write(toFile: "\(directory)/\(name)/file", atomically: true, encoding: .utf8)
            }
            try manager.createSymbolicLink(atPath: "\(directory)/data", withDestinationPath: "one")
            try manager.createSymbolicLink(atPath: "\(directory)/file", withDestinationPath: "data/file")
            let live = live("\(directory)/file", Reports())
            #expect(live.current == "one")
            try manager.createSymbolicLink(atPath: "\(directory)/new", withDestinationPath: "two")
            #expect(rename("\(directory)/new", "\(directory)/data") == 0)
            #expect(live.current == "two")
        }
    }

    @Test func withoutAFileNothingChanges() {
        let reports = Reports()
        let live = live(nil, reports)
        live.reload()
        #expect(live.current == "first")
        #expect(reports.take().isEmpty)
    }
}
