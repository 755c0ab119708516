import Foundation
import TestSupport
import Testing

@testable import RuntimeSetup

@Suite struct AtomicWriteTests {
    @Test(
        "Whenever the process ends, the file is the old one or the new one, and the next run succeeds",
        arguments: AtomicWrite.Step.allCases
    )
    func crashes(step: AtomicWrite.Step) async throws {
        for old in ["old\n", nil] {
            try await withTemporaryDirectory { directory in
                let place = "\(directory)/file"
                try old?.write(toFile: place, atomically: false, encoding: .utf8)
                let write = AtomicWrite(place) { (reached) throws(SetupError) in
                    if reached == step { throw SetupError("killed") }
                }
                #expect(throws: SetupError.self) { try write.write("new\n") }
                #expect((try? String(contentsOfFile: place, encoding: .utf8)) == (step == .renamed ? "new\n" : old))
                try AtomicWrite(place).write("newer\n")
                #expect(try String(contentsOfFile: place, encoding: .utf8) == "newer\n")
                #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["file"])
            }
        }
    }

    @Test("Killed between its files, a run can be repeated, and all of it restored")
    func betweenFiles() async throws {
        try await withTemporaryDirectory { directory in
            let path = RuntimeSetup.dockerPath
            try FileManager.default.createDirectory(
                atPath: "\(directory)/etc/docker",
                withIntermediateDirectories: true
            )
            try "{}".write(toFile: directory + path, atomically: true, encoding: .utf8)
            let setup = try RuntimeSetup(.docker, root: directory)
            let plan = try setup.configuration([], mirror: .usual)
            try setup.apply(plan, mirror: .usual)
            // Backup and record are there, the file is not written yet.
            try "{}".write(toFile: directory + path, atomically: true, encoding: .utf8)
            try setup.apply(try setup.configuration([], mirror: .usual), mirror: .usual)
            // The file is restored already, and the record is still there.
            try "{}".write(toFile: directory + path, atomically: true, encoding: .utf8)
            try setup.apply(restoration: try setup.restoration())
            #expect(try String(contentsOfFile: directory + path, encoding: .utf8) == "{}")
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(directory)/etc/docker") == ["daemon.json"])
        }
    }
}
