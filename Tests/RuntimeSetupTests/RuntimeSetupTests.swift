import Foundation
import TestSupport
import Testing

@testable import RuntimeSetup

/// A machine's files below a temporary directory.
private struct Machine {
    let root: String

    func put(_ path: String, _ text: String, mode: Int = 0o644) throws {
        let url = URL(filePath: root + path)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: url.path)
    }

    func text(_ path: String) -> String? { try? String(contentsOfFile: root + path, encoding: .utf8) }

    /// Every file and directory with its mode and bytes.
    func everything() throws -> [String: String] {
        var all: [String: String] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: root) {
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(root)/\(path)")
            let mode = (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0
            all[path] =
                "\(String(mode, radix: 8)) \(FileManager.default.contents(atPath: "\(root)/\(path)")?.base64EncodedString() ?? "")"
        }
        return all
    }

    @discardableResult
    func configure(
        _ runtime: RuntimeName,
        _ registries: [String] = [],
        mirror: MirrorAddress = .usual
    ) throws -> SetupPlan {
        let setup = try RuntimeSetup(runtime, root: root)
        let plan = try setup.configuration(registries.compactMap { RegistryName($0) }, mirror: mirror)
        try setup.apply(plan, mirror: mirror)
        return plan
    }

    func replace(_ runtime: RuntimeName, _ registries: [String]) throws {
        let setup = try RuntimeSetup(runtime, root: root)
        let plan = try setup.restoration(before: registries.compactMap { RegistryName($0) }, mirror: .usual)
        try setup.apply(restoration: plan)
        try configure(runtime, registries)
    }

    @discardableResult
    func restore(_ runtime: RuntimeName) throws -> SetupPlan {
        let setup = try RuntimeSetup(runtime, root: root)
        let plan = try setup.restoration()
        try setup.apply(restoration: plan)
        return plan
    }
}

private func withMachine(_ files: [String: String] = [:], _ body: (Machine) throws -> Void) async throws {
    try await withTemporaryDirectory { directory in
        let machine = Machine(root: directory)
        for (path, text) in files { try machine.put(path, text, mode: 0o640) }
        try body(machine)
    }
}

@Suite struct RuntimeSetupTests {
    private static let config = RuntimeSetup.containerdPath
    private static let hosts = "/etc/containerd/certs.d/_default/hosts.toml"
    private static let daemon = RuntimeSetup.dockerPath

    /// A runtime, its files, and registries.
    private typealias Case = (RuntimeName, [String: String], [String])

    private static let machines: [Case] = {
        var cases: [Case] = ContainerdConfigTests.shapes.map { (.containerd, [config: $0.0], []) }
        cases += DaemonJSONTests.shapes.map { (.docker, [daemon: $0.0], ["quay.io"]) } as [Case]
        for runtime in RuntimeName.allCases {
            cases += [(runtime, [:], []), (runtime, [:], ["quay.io", "docker.io"])]
        }
        cases.append((.containerd, [hosts: "server = 'x'\r\n[host.\"https://m\"]"], []))
        let directory = "/etc/containerd/certs.d/r_5000_/hosts.toml"
        cases.append((.containerd, [config: "version = 2\n", directory: ""], ["r:5000", "q:1"]))
        cases.append((.podman, [RuntimeSetup.registriesPath: "# nothing\n"], ["ghcr.io"]))
        return cases
    }()

    @Test(
        "What replaces an earlier configuration is as if that had never been",
        arguments: [
            (.containerd, [], ["quay.io"]), (.containerd, ["quay.io", "ghcr.io"], ["quay.io"]),
            (.containerd, ["quay.io"], []), (.docker, [], []), (.podman, ["quay.io"], ["ghcr.io"]),
        ] as [(RuntimeName, [String], [String])]
    )
    func replaced(runtime: RuntimeName, earlier: [String], registries: [String]) async throws {
        let files = [Self.config: "version = 2\n", Self.daemon: "{}\n"]
        for other in [MirrorAddress.usual, try #require(MirrorAddress("http://127.0.0.1:15001"))] {
            try await withMachine(files) { machine in
                try machine.configure(runtime, registries)
                let wanted = try machine.everything()
                try machine.restore(runtime)
                let untouched = try machine.everything()
                try machine.configure(runtime, earlier, mirror: other)
                try machine.replace(runtime, registries)
                #expect(try machine.everything() == wanted)
                try machine.replace(runtime, registries)
                try machine.restore(runtime)
                #expect(try machine.everything() == untouched)
            }
        }
    }

    @Test(
        "Configured twice is configured once, and restored is as before: bytes, modes and directories",
        arguments: machines.indices
    )
    func properties(index: Int) async throws {
        let (runtime, files, registries) = Self.machines[index]
        try await withMachine(files) { machine in
            let before = try machine.everything()
            let plan = try machine.configure(runtime, registries)
            #expect(!plan.changes.isEmpty && !plan.next.isEmpty)
            let after = try machine.everything()
            let again = try machine.configure(runtime, registries)
            #expect(again.changes.isEmpty && again.next.isEmpty)
            #expect(try machine.everything() == after)
            for (path, text) in files where machine.text(path) != text {
                #expect(machine.text(path + ".darter-backup") == text)
                #expect(after[String(path.dropFirst())]?.hasPrefix("640 ") == true)
            }
            try machine.restore(runtime)
            #expect(try machine.everything() == before)
            #expect(try machine.restore(runtime).files.isEmpty)
        }
    }

    @Test("A plan writes nothing")
    func dryRun() async throws {
        try await withMachine([Self.daemon: "{}\n"]) { machine in
            let before = try machine.everything()
            for runtime in RuntimeName.allCases {
                let plan = try RuntimeSetup(runtime, root: machine.root).configuration([], mirror: .usual)
                #expect(plan.changes.allSatisfy { $0.diff.contains("+++ /etc/") })
                _ = try RuntimeSetup(runtime, root: machine.root).restoration()
            }
            #expect(try machine.everything() == before)
        }
    }

    @Test("A later run with more registries keeps the first original, and all of it is restored")
    func more() async throws {
        for runtime in [RuntimeName.containerd, .podman] {
            try await withMachine([Self.config: "version = 2\n"]) { machine in
                let before = try machine.everything()
                try machine.configure(runtime, ["quay.io"])
                try machine.configure(runtime, ["docker.io", "quay.io"])
                let state = try RuntimeSetup(runtime, root: machine.root).state(.usual)
                #expect(Set(state.registries.compactMap { $0?.text }) == ["quay.io", "docker.io"])
                #expect(state.fault == nil)
                try machine.restore(runtime)
                #expect(try machine.everything() == before)
            }
        }
    }

    @Test("Out of a file that was changed since, only what is ours is taken")
    func changed() async throws {
        try await withMachine([Self.config: "version = 2\n", Self.daemon: "{\"a\": 1}\n"]) { machine in
            try machine.configure(.containerd)
            try machine.configure(.docker)
            let config = try #require(machine.text(Self.config))
            try machine.put(Self.config, config + "[grpc]\n  uid = 7\n")
            try machine.put(Self.hosts, (machine.text(Self.hosts) ?? "") + "[host.\"https://n\"]\n")
            try machine.put(Self.daemon, try #require(machine.text(Self.daemon)).replacing("1,", with: "2,"))
            // The originals of files that somebody changed since are still those before us.
            try machine.configure(.containerd)
            #expect(machine.text(Self.config + ".darter-backup") == "version = 2\n")
            let plan = try machine.restore(.containerd)
            try machine.restore(.docker)
            #expect(plan.notes.count == 2)
            #expect(machine.text(Self.config) == "version = 2\n\n[grpc]\n  uid = 7\n")
            #expect(machine.text(Self.hosts)?.contains("65001") == false)
            #expect(machine.text(Self.hosts)?.contains("https://n") == true)
            #expect(machine.text(Self.daemon) == "{\"a\": 2}\n")
            #expect(try machine.everything().keys.allSatisfy { !$0.contains("darter") })
        }
    }

    @Test("A file that somebody has put in place of ours is an original")
    func replaced() async throws {
        try await withMachine([Self.config: "version = 2\n"]) { machine in
            try machine.configure(.containerd)
            try machine.put(Self.config, "version = 2\n[grpc]\n")
            try machine.configure(.containerd)
            try machine.restore(.containerd)
            #expect(machine.text(Self.config) == "version = 2\n[grpc]\n")
        }
    }

    @Test("What somebody has added between two runs is not lost when both are undone")
    func addedBetween() async throws {
        try await withMachine([Self.daemon: "{\"debug\": true}\n"]) { machine in
            try machine.configure(.docker)
            let text = try #require(machine.text(Self.daemon))
            try machine.put(Self.daemon, text.replacing("[\"http", with: "[\"http://mine\", \"http"))
            #expect(try !machine.configure(.docker).changes.isEmpty)
            #expect(try !machine.restore(.docker).notes.isEmpty)
            #expect(machine.text(Self.daemon)?.contains("[\"http://mine\"]") == true)
            #expect(machine.text(Self.daemon)?.contains("65001") == false)

            try machine.configure(.containerd)
            let hosts = try #require(machine.text(Self.hosts))
            try machine.put(Self.hosts, "[host.\"http://mine\"]\n" + hosts)
            #expect(try !machine.configure(.containerd).changes.isEmpty)
            try machine.restore(.containerd)
            #expect(machine.text(Self.hosts)?.contains("[host.\"http://mine\"]") == true)
            #expect(machine.text(Self.hosts)?.contains("65001") == false)

            try machine.configure(.podman)
            let fragment = RegistriesFile.fragmentPath
            try machine.put(fragment, (machine.text(fragment) ?? "") + "\n[[registry]]\nprefix = \"mine\"\n")
            #expect(try !machine.configure(.podman, ["ghcr.io"]).changes.isEmpty)
            #expect(throws: SetupError.self) { try machine.restore(.podman) }
            #expect(machine.text(fragment)?.contains("mine") == true)
        }
    }

    @Test("What can not be restored for certain is refused, with what to do, and nothing is written")
    func refusals() async throws {
        try await withMachine([Self.config: "version = 2\n"]) { machine in
            try machine.configure(.containerd)
            try machine.configure(.podman)
            let fragment = RegistriesFile.fragmentPath
            try machine.put(fragment, "# mine\n" + (machine.text(fragment) ?? ""))
            try FileManager.default.removeItem(atPath: machine.root + Self.config)
            let before = try machine.everything()
            for runtime in [RuntimeName.containerd, .crio] {
                let error = #expect(throws: SetupError.self) { try machine.restore(runtime) }
                #expect(error?.description.contains("remove it") == true, "\(String(describing: error))")
            }
            #expect(try machine.everything() == before)
        }
    }

    @Test("A fault in one file leaves all of them as they are")
    func faults() async throws {
        try await withMachine([Self.config: "version = 2\n", Self.hosts: "host = {}\n", Self.daemon: "{"]) { machine in
            let before = try machine.everything()
            for (runtime, place) in [(RuntimeName.containerd, Self.hosts), (.docker, Self.daemon)] {
                let error = #expect(throws: SetupError.self) { try machine.configure(runtime) }
                #expect(
                    error?.description.hasPrefix("\(machine.root)\(place):1: ") == true,
                    "\(String(describing: error))"
                )
            }
            #expect(try machine.everything() == before)
        }
    }

    @Test("Another mirror than the one that was configured is refused until that is restored")
    func anotherMirror() async throws {
        try await withMachine { machine in
            try machine.configure(.docker)
            let other = try #require(MirrorAddress("http://127.0.0.1:7"))
            let setup = try RuntimeSetup(.docker, root: machine.root)
            let error = #expect(throws: SetupError.self) { try setup.configuration([], mirror: other) }
            #expect(error?.description.contains("runtime restore docker") == true)
            #expect(try setup.state(other).otherMirror == MirrorAddress.usual.url)
            try machine.restore(.docker)
            #expect(throws: Never.self) { try setup.configuration([], mirror: other) }
        }
    }

    @Test(
        "Of the file that crio and podman share, restoring one leaves what the other wants, and restoring both nothing",
        arguments: [[], ["quay.io"], ["quay.io", "docker.io"], ["ghcr.io"]],
        [
            nil,
            "# mine\n[[registry]]\nlocation = \"quay.io\"\n[[registry.mirror]]\nlocation = \"127.0.0.1:65001/quay.io\"\n",
        ]
    )
    func shared(registries: [String], original: String?) async throws {
        let files = original.map { [RegistriesFile.fragmentPath: $0] } ?? [:]
        for (first, second) in [(RuntimeName.crio, RuntimeName.podman), (.podman, .crio)] {
            try await withMachine(files) { machine in
                let before = try machine.everything()
                try machine.configure(second, ["quay.io", "registry.test"])
                let alone = try machine.everything()
                try machine.restore(second)
                #expect(try machine.everything() == before)

                for order in [[first, second], [second, first]] {
                    for runtime in order {
                        let wanted = runtime == first ? registries : ["quay.io", "registry.test"]
                        let plan = try machine.configure(runtime, wanted)
                        // What was all there before us needs nothing.
                        #expect(plan.next.isEmpty == (original != nil && wanted == ["quay.io"] && runtime == order[0]))
                        #expect(try machine.configure(runtime, wanted).next.isEmpty)
                    }
                    let notes = try machine.restore(first).notes
                    #expect(notes.contains { $0.contains("runtime restore \(second.rawValue)") }, "\(notes)")
                    // As if the other one had been the only one ever, but for the way there.
                    #expect(try machine.everything() == alone)
                    #expect(try machine.restore(first).changes.isEmpty)
                    #expect(try machine.everything() == alone)
                    try machine.restore(second)
                    #expect(try machine.everything() == before)
                }
            }
        }
    }

    @Test(
        "What one runtime wants is not taken out of a shared file that somebody has changed"
    )
    func sharedAndChanged() async throws {
        try await withMachine { machine in
            let fragment = RegistriesFile.fragmentPath
            try machine.configure(.podman, ["quay.io", "docker.io"])
            try machine.configure(.crio, ["quay.io"])
            try machine.put(fragment, "# mine\n" + (machine.text(fragment) ?? ""))
            let text = machine.text(fragment)
            for runtime in [RuntimeName.podman, .crio] {
                #expect(throws: SetupError.self) { try machine.restore(runtime) }
                #expect(machine.text(fragment) == text)
            }
        }
    }

    @Test("A restoration that was stopped between the shared file and its record is finished by the next one")
    func sharedAndStopped() async throws {
        try await withMachine { machine in
            let (fragment, record) = (RegistriesFile.fragmentPath, RegistriesFile.fragmentPath + SetupRecord.ending)
            let before = try machine.everything()
            try machine.configure(.podman, ["quay.io"])
            try machine.configure(.crio, ["docker.io"])
            let both = try #require(machine.text(record))
            try machine.restore(.crio)
            try machine.put(record, both)
            #expect(try machine.restore(.crio).changes.isEmpty)
            #expect(machine.text(fragment)?.contains("docker.io") == false)
            try machine.restore(.podman)
            #expect(try machine.everything() == before)
        }
    }

    @Test("A shared file for another mirror is to be restored by those that it was configured for")
    func sharedMirror() async throws {
        try await withMachine { machine in
            try machine.configure(.podman)
            let other = try #require(MirrorAddress("http://127.0.0.1:7"))
            let setup = try RuntimeSetup(.crio, root: machine.root)
            let error = #expect(throws: SetupError.self) { try setup.configuration([], mirror: other) }
            #expect(error?.description.contains("runtime restore podman") == true, "\(String(describing: error))")
            #expect(try setup.state(other).otherUsers == ["podman"])
        }
    }

    @Test("Symbolic links are followed and stay, but not out of an image")
    func links() async throws {
        try await withMachine(["/srv/real.json": "{}\n", "/srv/image/etc/x": ""]) { machine in
            let manager = FileManager.default
            try manager.createDirectory(atPath: machine.root + "/etc/docker", withIntermediateDirectories: true)
            try manager.createSymbolicLink(
                atPath: machine.root + Self.daemon,
                withDestinationPath: "../../srv/real.json"
            )
            try machine.configure(.docker)
            #expect(machine.text("/srv/real.json")?.contains("65001") == true)
            #expect(try manager.destinationOfSymbolicLink(atPath: machine.root + Self.daemon) == "../../srv/real.json")
            try machine.restore(.docker)
            #expect(machine.text("/srv/real.json") == "{}\n")

            let image = Machine(root: machine.root + "/srv/image")
            try manager.createSymbolicLink(
                atPath: image.root + "/etc/docker",
                withDestinationPath: machine.root + "/srv"
            )
            #expect(throws: SetupError.self) { try image.configure(.docker) }
        }
    }

    @Test("Two runs at once: the second one is told")
    func alone() async throws {
        try await withMachine { machine in
            let setup = try RuntimeSetup(.docker, root: machine.root)
            _ = try setup.alone { () throws(SetupError) in
                #expect(throws: SetupError.self) { _ = try setup.alone { () throws(SetupError) in 0 } }
            }
            #expect(throws: Never.self) { _ = try setup.alone { () throws(SetupError) in 0 } }
        }
    }
}
