import Foundation
import TestSupport
import Testing

/// The configuration files that stand in `deploy/manifests`: the executables are strict, and a pod with a key that is
/// none would not start.
@Suite struct ManifestConfigurationTests {
    private static let manifests = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../deploy/manifests").standardized

    /// The text of a block that is a value of a ConfigMap.
    private func block(_ key: String, of manifest: String) throws -> String {
        let text = try String(contentsOf: Self.manifests.appending(path: manifest), encoding: .utf8)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let start = try #require(lines.firstIndex(of: "  \(key): |"))
        return lines[(start + 1)...].prefix { $0.hasPrefix("    ") }.map { $0.dropFirst(4) }.joined(separator: "\n")
    }

    @Test(
        "The executables read their files in the manifests",
        arguments: [("supernode", "10-supernode.yaml"), ("dfdaemon", "20-dfdaemon.yaml")]
    )
    func files(name: String, manifest: String) async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/\(name).yml"
            try Data(try block("\(name).yml", of: manifest).utf8).write(to: URL(filePath: path))
            let printed = try await runSuccessfully(
                .init(try builtExecutable(name), ["--config", path, "--print-config"]),
                within: .seconds(30)
            )
            #expect(printed.contains("/var/lib/darter/\(name)"))
        }
    }
}
