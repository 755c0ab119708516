package import Content
internal import Foundation

/// A generated image in an OCI layout.
package struct TestImage: Sendable {
    /// The directory of the layout.
    package let directory: String
    /// The manifest's digest.
    package let manifest: Digest
    /// The digests of the configuration and the layers, which are all that the manifest refers to.
    package let blobs: Set<Digest>
    /// The bytes of all layers together.
    package let layerBytes: Int64

    /// The size of one of its blobs.
    package func size(of blob: Digest) throws -> Int64 {
        let attributes = try FileManager.default.attributesOfItem(atPath: path(of: blob))
        return (attributes[.size] as? NSNumber)?.int64Value ?? 0
    }

    /// The file that holds one of its blobs.
    package func path(of blob: Digest) -> String { "\(directory)/blobs/sha256/\(blob.hex)" }

    /// How skopeo names it.
    package var reference: String { "oci:\(directory):v1" }

    fileprivate init(directory: String, manifest: Digest) throws {
        struct Manifest: Decodable {
            struct Descriptor: Decodable {
                let digest: Digest
                let size: Int64
            }

            let config: Descriptor
            let layers: [Descriptor]
        }
        self.directory = directory
        self.manifest = manifest
        let data = try Data(contentsOf: URL(filePath: "\(directory)/blobs/sha256/\(manifest.hex)"))
        let decoded = try JSONDecoder().decode(Manifest.self, from: data)
        blobs = Set(([decoded.config] + decoded.layers).map(\.digest))
        layerBytes = decoded.layers.reduce(0) { $0 + $1.size }
    }

    /// Checks that `directory`, to which skopeo has pulled (`dir:`), holds exactly this image, by hashing every file.
    package func verifyPulled(into directory: String) throws {
        guard try fileDigest("\(directory)/manifest.json") == manifest else {
            throw RigError("\(directory): not the manifest \(manifest)")
        }
        for blob in blobs where try fileDigest("\(directory)/\(blob.hex)") != blob {
            throw RigError("\(directory): wrong bytes in \(blob)")
        }
    }
}

/// Makes an image with random layers of the given MiB in `directory`; the same seed makes the same image.
package func makeImage(in directory: String, layers: [Double], seed: Int) async throws -> TestImage {
    let sizes = layers.map { "\($0)" }.joined(separator: ",")
    let command = RigScripts.command("make-image.py", [directory, "--layers", sizes, "--seed", "\(seed)"])
    let printed = try await runSuccessfully(command).trimmingCharacters(in: .whitespacesAndNewlines)
    guard let manifest = Digest(printed) else { throw RigError("make-image.py printed \(printed)") }
    return try TestImage(directory: directory, manifest: manifest)
}
