import Content
import TestSupport

/// A registry of one blob that a test can hold in the middle of its body.
final class BlobOrigin: Sendable {
    let bytes: [UInt8]
    let digest: Digest
    /// Lets everything out that was held.
    let release = TestEvent()
    /// So many bytes of each answer go out before the rest is held; nil: nothing is held.
    let held: Int?

    /// `digest`: what the blob is called; nil: its own.
    init(byteCount: Int, seed: UInt64, held: Int? = nil) {
        bytes = randomBytes(byteCount, seed: seed)
        digest = Digest.of(bytes)
        self.held = held
    }

    var path: String { "/v2/library/a/blobs/\(digest)" }

    /// What the registry answers.
    func answer(_ request: ScriptedRequest) -> Script {
        guard request.path == path else { return .respond(404, body: Array("no such blob".utf8)) }
        let headers: HeaderFields = [
            "Content-Type": "application/octet-stream", "Docker-Content-Digest": digest.description,
        ]
        guard let held, request.method == "GET", !release.hasFired else {
            return .content(bytes, for: request, headers)
        }
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
        return .head(status, fields).body(body.prefix(held)).wait(release).body(body.dropFirst(held))
    }
}
