import Foundation
import TestSupport
import Testing

@testable import CurlTransport

@Suite struct AuthorityCacheTests {
    /// Writes into the file that is there, so that only its time tells.
    private func write(_ text: String, to path: String, at seconds: Int) throws {
        if !FileManager.default.fileExists(atPath: path) { try Data().write(to: URL(filePath: path)) }
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        try file.truncate(atOffset: 0)
        try file.write(contentsOf: Data(text.utf8))
        try file.close()
        let time = timespec(tv_sec: seconds, tv_nsec: 0)
        try #require(utimensat(AT_FDCWD, path, [time, time], 0) == 0)
    }

    private func text(_ authorities: inout AuthorityCache, _ files: [String]) throws -> String {
        String(decoding: try authorities.bytes(of: files), as: UTF8.self)
    }

    @Test("Files are read again when one of them has changed, and only then")
    func changes() async throws {
        try await withTemporaryDirectory { directory in
            let files = ["\(directory)/a", "\(directory)/b"]
            var authorities = AuthorityCache()
            try write("one", to: files[0], at: 1000)
            try write("two", to: files[1], at: 1000)
            #expect(try text(&authorities, files) == "one\ntwo\n")
            #expect(try text(&authorities, files.reversed()) == "two\none\n")
            // The same version by all that stat tells: whoever read it would see the difference.
            try write("TWO", to: files[1], at: 1000)
            #expect(try text(&authorities, files) == "one\ntwo\n")
            try write("TWO", to: files[1], at: 2000)
            #expect(try text(&authorities, files) == "one\nTWO\n")
            try FileManager.default.removeItem(atPath: files[0])
            try write("new", to: files[0], at: 1000)
            try write("longer", to: files[1], at: 2000)
            #expect(try text(&authorities, files) == "new\nlonger\n")
        }
    }

    @Test("A file that can not be read is named with the reason, and what was in it is good no more")
    func unreadable() async throws {
        try await withTemporaryDirectory { directory in
            let files = ["\(directory)/a", "\(directory)/b"]
            var authorities = AuthorityCache()
            for file in files { try write("x", to: file, at: 1000) }
            _ = try authorities.bytes(of: files)
            try FileManager.default.removeItem(atPath: files[1])
            for _ in 0..<2 {
                let fault = #expect(throws: AuthorityCache.Fault.self) { try authorities.bytes(of: files) }
                #expect(
                    fault?.description
                        == "the certificate authorities in \(files[1]) can not be read: No such file or directory"
                )
            }
            try FileManager.default.createDirectory(atPath: files[1], withIntermediateDirectories: false)
            let fault = #expect(throws: AuthorityCache.Fault.self) { try authorities.bytes(of: files) }
            #expect(fault?.description.hasSuffix("\(files[1]) can not be read: Is a directory") == true)
            try FileManager.default.removeItem(atPath: files[1])
            try write("y", to: files[1], at: 1000)
            #expect(try text(&authorities, files) == "x\ny\n")
        }
    }
}
