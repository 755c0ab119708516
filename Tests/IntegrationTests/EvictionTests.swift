import Content
import Foundation
import TestSupport
import Testing

/// New content takes the place of old while somebody is still reading that.
@Suite(.serialized) struct EvictionTests {
    private static let quota: Int64 = 40 << 20
    private let client = Client()

    @Test func aSlowReaderGetsTheRightBytesAndTheQuotaHolds() async throws {
        let large = BlobOrigin(byteCount: 24 << 20, seed: 65)
        let small = (0..<8).map { BlobOrigin(byteCount: 5 << 20, seed: UInt64(66 + $0)) }
        let blobs = Dictionary(uniqueKeysWithValues: ([large] + small).map { ($0.path, $0) })
        try await withTemporaryDirectory { directory in
            try await withScriptedServer { request in
                blobs[request.path]?.answer(request) ?? .respond(404)
            } body: { registry in
                let homes = (supernode: "\(directory)/s/home", fast: "\(directory)/fast/home")
                let store = ", quota: \(Self.quota)"
                try await withSupernode(
                    Configurations.supernode(home: homes.supernode, store: store),
                    in: "\(directory)/s"
                ) { supernode in
                    let fast = Configurations.daemon(
                        home: homes.fast,
                        supernodes: [supernode.api],
                        registry: registry.url(""),
                        store: store,
                        // Whoever wants the large one has to take it from the supernode.
                        peer: ", upload_slots: 1",
                        "limits: {upload: 100k}"
                    )
                    let slow = Configurations.daemon(
                        home: "\(directory)/slow/home",
                        supernodes: [supernode.api],
                        registry: registry.url(""),
                        "limits: {download: 4MB/s}"
                    )
                    try await withDaemon(fast, in: "\(directory)/fast") { fast in
                        try await withDaemon(slow, in: "\(directory)/slow") { slow in
                            try await expect(large, at: fast)
                            // Two that read it from the two stores, and are still at it when it is the oldest content.
                            let reader = Self.reader(of: "http://\(fast.proxy)\(large.path)", in: directory)
                            try await withProcess(reader.command) { process in
                                async let pull: Void = expect(large, at: slow)
                                for blob in small {
                                    try await expect(blob, at: fast)
                                    for home in [homes.fast, homes.supernode] {
                                        let content = try Self.content(in: home)
                                        #expect(content.values.reduce(0, +) <= Self.quota, "\(content)")
                                    }
                                }
                                #expect(process.isRunning)
                                try await runSuccessfully(reader.goOn)
                                #expect(await process.end().status.isSuccess)
                                #expect(try fileDigest(reader.output) == large.digest)
                                try await pull
                            }
                            // It was not kept for ever either.
                            for blob in small { try await expect(blob, at: fast) }
                            for home in [homes.fast, homes.supernode] {
                                let content = try Self.content(in: home)
                                #expect(content.values.reduce(0, +) <= Self.quota, "\(content)")
                                #expect(!content.isEmpty)
                            }
                        }
                    }
                }
            }
        }
    }

    private func expect(_ blob: BlobOrigin, at daemon: Daemon) async throws {
        let answer = try await client.send("GET", "http://\(daemon.proxy)\(blob.path)")
        #expect(answer.status == 200)
        #expect(answer.body.elementsEqual(blob.bytes))
    }

    /// A client that stops soon after the beginning, until `goOn` is run.
    private static func reader(
        of url: String,
        in directory: String
    ) -> (command: RunningProcess.Command, goOn: RunningProcess.Command, output: String) {
        let (gate, output) = ("\(directory)/gate", "\(directory)/read")
        let script =
            #"set -o pipefail; mkfifo "$2"; curl -sSf "$1" | { head -c 65536; cat "$2" >&2; cat; } >"$3""#
        return (
            .init("bash", ["-c", script, "reader", url, gate, output]),
            .init("sh", ["-c", #"until [ -p "$1" ]; do :; done; echo >"$1""#, "gate", gate]),
            output
        )
    }

    /// The files with content in a store, and what they take on disk.
    private static func content(in home: String) throws -> [String: Int64] {
        var content: [String: Int64] = [:]
        // What is renamed meanwhile may show under both names.
        var seen: Set<UInt64> = []
        let files = FileManager.default.enumerator(atPath: home)
        while let name = files?.nextObject() as? String {
            guard name != "lock", !name.hasPrefix("index"), !name.hasSuffix(".sock") else { continue }
            var status = stat()
            guard lstat("\(home)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG,
                seen.insert(UInt64(status.st_ino)).inserted
            else { continue }
            content[name] = Int64(status.st_blocks) * 512
        }
        return content
    }
}
