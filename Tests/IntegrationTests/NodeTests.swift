import Foundation
import TestSupport
import Testing

/// A Kubernetes node without its kubelet: what dfwebhook makes of a pod's image, containerd pulls from the dfdaemon beside it.
@Suite(.serialized) struct NodeTests {
    /// The reference that the pod has after its admission.
    private func admit(_ image: String, proxy: String, in directory: String) async throws -> String {
        let pod = "\(directory)/pod.yaml"
        let rules = "\(directory)/dfwebhook.yml"
        try "{kind: Pod, metadata: {name: web}, spec: {containers: [{name: app, image: \"\(image)\"}]}}"
            .write(toFile: pod, atomically: true, encoding: .utf8)
        try "{mirror: \"\(proxy)\", registries: {include: [registry.test]}}"
            .write(toFile: rules, atomically: true, encoding: .utf8)
        let lint = try await runSuccessfully(
            .init(try builtExecutable("dfwebhook"), ["lint", "--pod", pod, "--config", rules])
        )
        let line = try #require(lint.split(separator: "\n").first)
        return String(try #require(line.components(separatedBy: " -> ").last))
    }

    @Test(
        "A rewritten reference is pulled with the node's login, and again after dfdaemon was killed in the middle",
        .enabled(if: geteuid() == 0, "containerd needs root")
    )
    func pod() async throws {
        try await withTemporaryDirectory { directory in
            let image = try await makeImage(in: "\(directory)/image", layers: [12, 0.2], seed: 306)
            try await withRegistry(.token) { registry in
                try await registry.push(image, as: "team/app:1")
                let login = "\(directory)/config.json"
                try #"{"auths": {"registry.test": {"auth": "\#(Data("u:p".utf8).base64EncodedString())"}}}"#
                    .write(toFile: login, atomically: true, encoding: .utf8)
                try await withSupernode(
                    Configurations.supernode(home: "\(directory)/s/home"),
                    in: "\(directory)/s"
                ) { supernode in
                    // Pods name the port of a node that comes back.
                    let proxy = "127.0.0.1:\(FreePort.next())"
                    let node = Configurations.daemon(
                        home: "\(directory)/d/home",
                        supernodes: [supernode.api],
                        registries: "{host: registry.test, url: \"\(registry.url)\", docker_config: \(login)}"
                    )
                    .replacing("proxy: {address: \"127.0.0.1:0\"", with: "proxy: {address: \"\(proxy)\"")
                    let reference = try await admit("registry.test/team/app:1", proxy: proxy, in: directory)
                    #expect(reference == "\(proxy)/registry.test/team/app:1")
                    try await withContainerd { runtime in
                        let slowly = "\(node)\nlimits: {download: 2MB/s}"
                        try await withDaemon(slowly, in: "\(directory)/d") { daemon in
                            let broken = Task { try await runtime.pull(reference) }
                            while try await daemon.received(from: "supernode") < 1 << 20 { await Task.yield() }
                            await daemon.process.kill()
                            await #expect(throws: (any Error).self) { try await broken.value }
                        }
                        try await withDaemon(node, in: "\(directory)/d") { (daemon) async throws in
                            // As the kubelet does after a pull that failed.
                            #expect(try await runtime.pull(reference) == image.manifest)
                            #expect(try await runtime.content() == image.blobs.union([image.manifest]))
                            #expect(try await daemon.received(from: "origin") == 0)
                            #expect(try await daemon.received(from: "supernode") < 12 << 20)
                        }
                    }
                    for (blob, bytes) in try await registry.blobBytes(of: image) {
                        #expect(bytes == (try image.size(of: blob)), "\(blob)")
                    }
                }
            }
        }
    }
}
