import Content
import Foundation
import TestSupport
import Testing

/// A client that pulls images through a daemon.
enum ImageClient: CaseIterable, CustomTestStringConvertible {
    case skopeo
    /// Needs root, as those below.
    case containerd
    case podman
    case docker

    /// Pulls an image that is `registry.test/<repository>:v1`, beginning with nothing; fails unless all is there and right.
    typealias Pull = @Sendable (_ image: TestImage, _ repository: String, _ daemon: Daemon) async throws -> Void

    var testDescription: String { "\(self)" }

    static var usable: [ImageClient] { geteuid() == 0 ? allCases : [.skopeo] }

    /// Those that say at once that a pull has failed: podman and dockerd try again for a while.
    static var prompt: [ImageClient] { usable.filter { [.skopeo, .containerd].contains($0) } }

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
        try await use(in: directory) { pull in try await body { try await pull(image, "library/a", $0) } }
    }

    /// Gives `body` a way to pull images.
    ///
    /// containerd finds the daemon in `hosts.toml`, whose `server` nobody answers at; the others by `127.0.0.1:PORT/...`.
    func use(in directory: String, _ body: (@escaping Pull) async throws -> Void) async throws {
        switch self {
        case .skopeo:
            try await body { image, repository, daemon in
                let target = "\(directory)/pulled-\(UUID().uuidString)"
                let name = "docker://\(daemon.proxy)/registry.test/\(repository):v1"
                try await skopeoCopy(from: name, to: "dir:\(target)")
                try image.verifyPulled(into: target)
            }
        case .containerd:
            try await withContainerd { runtime in
                try await body { image, repository, daemon in
                    try runtime.mirror(
                        host: "registry.test",
                        server: "http://127.0.0.1:1",
                        through: ["http://\(daemon.proxy)"]
                    )
                    let namespace = "pull-\(UUID().uuidString)"
                    let digest = try await runtime.pull("registry.test/\(repository):v1", namespace: namespace)
                    try Self.expect(digest, image)
                    guard try await runtime.content(namespace: namespace) == image.blobs.union([image.manifest])
                    else { throw RigError("not all of the image") }
                }
            }
        case .podman:
            try await withPodman { podman in
                try await body { image, repository, daemon in
                    let name = "\(daemon.proxy)/registry.test/\(repository):v1"
                    try Self.expect(try await podman.pull(name, plainHTTP: true), image)
                }
            }
        case .docker:
            try await withDockerd { docker in
                try await body { image, repository, daemon in
                    try Self.expect(
                        try await docker.pull("\(daemon.proxy)/registry.test/\(repository):v1"),
                        image
                    )
                }
            }
        }
    }

    private static func expect(_ digest: Digest, _ image: TestImage) throws {
        guard digest == image.manifest else { throw RigError("not the image that was pushed: \(digest)") }
    }
}
