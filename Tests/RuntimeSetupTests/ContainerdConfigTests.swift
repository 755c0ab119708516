import Foundation
import TestSupport
import Testing

@testable import RuntimeSetup

@Suite struct ContainerdConfigTests {
    private static let line = "config_path = \"/etc/containerd/certs.d\""
    private static let two = "plugins.\"io.containerd.grpc.v1.cri\".registry"
    private static let three = "plugins.\"io.containerd.cri.v1.images\".registry"

    private static let refusals: [(String, String)] = [
        ("version = 2\n[\(two).mirrors.\"docker.io\"]\nendpoint = []\n", "deprecated way"),
        (
            "version = 2\n[\(two)]\nconfig_path = ''\n[\(two).mirrors]\n\"docker.io\" = {endpoint = []}",
            "hosts.toml"
        ),
        ("version = 2\n[\(two).configs.\"r\".tls]\nca_file = 'x'\n", "deprecated way"),
        ("version = 4\n", "version"),
        ("version = 2\nplugins = {}\n", "one value"),
        ("version = 2\n[plugins]\n\"io.containerd.grpc.v1.cri\".registry.x = 1\n", "dotted key"),
        ("version = 2\n[[plugins]]\n", "array of tables"),
        ("version = 2\n[\(two)]\nconfig_path = 1\n", "no string"),
        ("version = 2\nversion = 2\n", "twice"),
        ("version = 2\n[\(two)]\n[\(two)]\n", "twice"),
        ("{\"version\": 2}", "key"),
    ]

    /// Shapes of config.toml, and what becomes of them.
    static let shapes: [(String, String)] = [
        ("", "version = 2\n\n[\(two)]\n  \(line)\n"),
        ("# mine\n", "# mine\n\nversion = 2\n\n[\(two)]\n  \(line)\n"),
        ("version = 2\n", "version = 2\n\n[\(two)]\n  \(line)\n"),
        ("version = 2", "version = 2\n\n[\(two)]\n  \(line)\n"),
        ("version = 3\n[grpc]\n", "version = 3\n[grpc]\n\n[\(three)]\n  \(line)\n"),
        // Docker's own package: no version is version 1.
        ("#\ndisabled_plugins = [\"cri\"]\n", "#\ndisabled_plugins = [\"cri\"]\n\n[plugins.cri.registry]\n  \(line)\n"),
        ("version = 2\r\n\r\n[grpc]\r\n", "version = 2\r\n\r\n[grpc]\r\n\r\n[\(two)]\r\n  \(line)\r\n"),
        ("version = 2\n[\(two)]", "version = 2\n[\(two)]\n  \(line)\n"),
        (
            "version = 2\n  [\(two)] # here\n    # no\n\n    [\(two).headers]\n",
            "version = 2\n  [\(two)] # here\n    \(line)\n    # no\n\n    [\(two).headers]\n"
        ),
        (
            "version = 2\n[\(two)]\n\tx = 1\n[\(two).mirrors]\n",
            "version = 2\n[\(two)]\n\t\(line)\n\tx = 1\n[\(two).mirrors]\n"
        ),
        (
            "version = 2\n[\(two)]\n   config_path = ''   # none\n",
            "version = 2\n[\(two)]\n   \(line)   # none\n"
        ),
        (
            "version = 2\n[plugins.'io.containerd.grpc.v1.cri']\nregistry.config_path = \"\"\n",
            "version = 2\n[plugins.'io.containerd.grpc.v1.cri']\nregistry.\(line)\n"
        ),
        ("version = 2\n[\(two).auths]\n", "version = 2\n[\(two).auths]\n\n[\(two)]\n  \(line)\n"),
    ]

    @Test("config_path is set where it is not, and nothing else changes", arguments: shapes)
    func configured(text: String, expected: String) throws {
        let edit = try ContainerdConfig.configured(text)
        #expect(edit.text.utf8.elementsEqual(expected.utf8), "\(edit.text.debugDescription)")
        #expect(edit.directory == "/etc/containerd/certs.d")
        #expect(try ContainerdConfig.configured(edit.text) == edit)
    }

    @Test("Without ours, a file that was changed since is what it would be", arguments: shapes.map(\.0))
    func restored(text: String) throws {
        let change = "\n[stream_processors]\n"
        let configured = try ContainerdConfig.configured(text).text
        let rest = try ContainerdConfig.restored(configured + change, original: text)
        #expect(!rest.contains("certs.d"))
        #expect(rest.hasSuffix(change))
        // A version in a file that had said nothing may stay.
        let words = { (text: String) in text.split(whereSeparator: \.isWhitespace) }
        let expected = words(text + change)
        #expect(words(rest).filter { expected.contains($0) } == expected)
        #expect(Set(words(rest)).subtracting(expected).isSubset(of: ["version", "=", "2"]), "\(rest)")
    }

    @Test(
        "A config_path that is set stays, and says where hosts.toml files go",
        arguments: [("/srv/certs", "/srv/certs"), ("/a:/b", "/a")]
    )
    func kept(value: String, directory: String) throws {
        let text = "version = 2\n[\(Self.two)]\nconfig_path = '\(value)'\n"
        let edit = try ContainerdConfig.configured(text)
        #expect(edit.text == text)
        #expect(edit.directory == directory)
        #expect(try ContainerdConfig.restored(text, original: nil) == text)
    }

    @Test(
        "What containerd would choke on, or an edit would break, is refused and explained",
        arguments: refusals
    )
    func refused(text: String, word: String) {
        let fault = #expect(throws: EditFault.self) { try ContainerdConfig.configured(text) }
        #expect(fault?.message.contains(word) == true, "\(String(describing: fault))")
    }

    @Test("Login data in the deprecated sections is no obstacle: containerd takes it together with config_path")
    func logins() throws {
        let text = "version = 2\n[\(Self.two).configs.\"r\".auth]\nusername = 'u'\n"
        #expect(try ContainerdConfig.configured(text).text.contains(Self.line))
    }

    @Test("Imports and a CRI plugin that is off are told")
    func notes() throws {
        #expect(try ContainerdConfig.configured("version = 2\nimports = ['/x.toml']\n").notes.count == 1)
        #expect(try ContainerdConfig.configured("version = 2\nimports = []\n").notes.isEmpty)
        #expect(try ContainerdConfig.configured("disabled_plugins = ['cri']\n").notes.count == 1)
    }

    @Test("containerd reads what was made of its own default configuration, and of every shape it takes itself")
    func realContainerd() async throws {
        try await withTemporaryDirectory { directory in
            let defaults = try await runSuccessfully(.init("containerd", ["config", "default"]))
            for (number, text) in ([defaults] + Self.shapes.map(\.0)).enumerated() {
                // Debian's containerd is older than version 3 of the format.
                if text.contains("version = 3") { continue }
                let file = "\(directory)/\(number).toml"
                let configured = try ContainerdConfig.configured(text).text
                try configured.write(toFile: file, atomically: true, encoding: .utf8)
                let dump = try await runSuccessfully(.init("containerd", ["--config", file, "config", "dump"]))
                // A plugin that is off is not in the dump.
                #expect(dump.contains(Self.line) || text.contains("disabled_plugins"), "\(text)")
            }
            let configured = try ContainerdConfig.configured(defaults).text
            #expect(configured == defaults.replacing("config_path = \"\"", with: Self.line))
        }
    }
}
