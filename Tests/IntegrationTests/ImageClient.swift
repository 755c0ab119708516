import Content
import Foundation
import TestSupport
import Testing

/// A client that pulls images through a daemon.
enum ImageClient: CaseIterable, CustomTestStringConvertible {
    case skopeo
    /// Needs root.
    case containerd

    var testDescription: String { "\(self)" }

    static var usable: [ImageClient] { geteuid() == 0 ? allCases : [.skopeo] }

    /// How the daemon names the registry that the client means.
    static func registries(_ url: String) -> String { "{host: registry.test, url: \"\(url)\"}" }

    /// Gives `body` a way to pull `library/a:v1` through a daemon, which fails unless everything is there and right.
    ///
    /// Every pull begins with nothing.
    func use(
        for image: TestImage,
        in directory: String,
        _ body: (_ pull: @escaping @Sendable (Daemon) async throws -> Void) async throws -> Void
    ) async throws {
        switch self {
        case .skopeo:
            try await body { daemon in
                let target = "\(directory)/pulled-\(UUID().uuidString)"
                try await skopeoCopy(from: "docker://\(daemon.proxy)/library/a:v1", to: "dir:\(target)")
                try image.verifyPulled(into: target)
            }
        case .containerd:
            try await withContainerd { runtime in
                try await body { daemon in
                    try runtime.mirror(
                        host: "registry.test",
                        server: "http://127.0.0.1:1",
                        through: ["http://\(daemon.proxy)"]
                    )
                    let namespace = "pull-\(UUID().uuidString)"
                    guard try await runtime.pull("registry.test/library/a:v1", namespace: namespace) == image.manifest,
                        try await runtime.content(namespace: namespace) == image.blobs.union([image.manifest])
                    else { throw RigError("not the image that was pushed") }
                }
            }
        }
    }
}
