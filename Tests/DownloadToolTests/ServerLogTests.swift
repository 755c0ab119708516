import Foundation
import TestSupport
import Testing

@testable import DownloadTool

@Suite struct ServerLogTests {
    private func size(_ path: String) -> Int? {
        (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int
    }

    @Test("A log that is half full becomes the old one, of which there is one")
    func rotates() async throws {
        try await withTemporaryDirectory { directory in
            let home = "\(directory)/not/there/yet"
            let path = ServerLog.path(below: home)
            for (count, kept, old) in [(100, 100, nil), (600_000, 600_100, nil), (7, 7, 600_100), (7, 14, 600_100)] {
                let descriptor = try #require(ServerLog.open(below: home))
                let line = Array(repeating: UInt8(ascii: "x"), count: count)
                #expect(write(descriptor, line, count) == count)
                close(descriptor)
                #expect(size(path) == kept)
                #expect(size("\(path).old") == old)
            }
        }
    }

    @Test("Without a place to write there is no log, and no harm")
    func nowhere() {
        #expect(ServerLog.open(below: "/dev/null/home") == nil)
    }
}
