import Content
import Foundation
import Synchronization
import TestSupport

/// A registry of one image that holds one layer in the middle of its body until it is released.
final class ImageOrigin: Sendable {
    /// How large the pieces of its layers are.
    static let piece: Int64 = 256 << 10

    let image: TestImage
    /// The layer that is held, the largest.
    let layer: Digest
    let layerBytes: Int64
    /// All blobs together.
    let imageBytes: Int64
    /// So many bytes of the layer go out before the rest is held.
    let half: Int64
    /// Lets everything out.
    let release = TestEvent()
    private let offsets = Mutex<[Digest: [Int64]]>([:])

    init(_ image: TestImage) throws {
        self.image = image
        let sizes = try image.blobs.map { (digest: $0, bytes: try image.size(of: $0)) }
        guard let largest = sizes.max(by: { $0.bytes < $1.bytes }) else { throw RigError("an image without blobs") }
        (layer, layerBytes) = largest
        imageBytes = sizes.reduce(0) { $0 + $1.bytes }
        half = largest.bytes / 2 / Self.piece * Self.piece
    }

    /// Where the requests for a blob began, in order.
    func offsets(of blob: Digest) -> [Int64] { offsets.withLock { $0[blob] ?? [] } }

    /// What the registry answers.
    func answer(_ request: ScriptedRequest) -> Script {
        let name = request.path.split(separator: "/").last.map(String.init) ?? ""
        if request.path == "/v2/" { return .respond(200, body: Array("{}".utf8)) }
        guard request.path.hasPrefix("/v2/library/a/"), let digest = name == "v1" ? image.manifest : Digest(name),
            let data = try? Data(contentsOf: URL(filePath: image.path(of: digest)))
        else { return .respond(404) }
        let isManifest = request.path.contains("/manifests/")
        let headers: HeaderFields = [
            "Content-Type": isManifest ? "application/vnd.oci.image.manifest.v1+json" : "application/octet-stream",
            "Docker-Content-Digest": digest.description,
        ]
        guard !isManifest else { return .respond(200, headers, body: Array(data)) }
        if request.method == "GET" { note(request, digest, length: Int64(data.count)) }
        guard digest == layer, request.method == "GET", !release.hasFired else {
            return .content(Array(data), for: request, headers)
        }
        return held(Array(data), request, headers)
    }

    private func note(_ request: ScriptedRequest, _ blob: Digest, length: Int64) {
        var offset: Int64 = 0
        if case .partial(let part)? = request.range?.resolve(length: length) { offset = part.offset }
        offsets.withLock { $0[blob, default: []].append(offset) }
    }

    /// As much as lies before the middle, and the rest later.
    private func held(_ bytes: [UInt8], _ request: ScriptedRequest, _ headers: HeaderFields) -> Script {
        var range = ByteRange(length: Int64(bytes.count))
        var status = 200
        var fields = headers
        fields["Accept-Ranges"] = "bytes"
        if case .partial(let part)? = request.range?.resolve(length: range.end) {
            status = 206
            fields["Content-Range"] = ContentRange(range: part, length: range.end).description
            range = part
        }
        fields["Content-Length"] = "\(range.count)"
        let body = bytes[Int(range.offset)..<Int(range.end)]
        let free = Int(max(0, min(half + 100, range.end) - range.offset))
        return .head(status, fields).body(body.prefix(free)).wait(release).body(body.dropFirst(free))
    }
}
