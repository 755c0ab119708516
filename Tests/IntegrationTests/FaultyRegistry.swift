import Content
import Foundation
import Synchronization
import TestSupport

/// What a registry may do to the first request for an image's layer.
enum RegistryFault: String, CaseIterable, Sendable {
    /// 307 to another host, which refuses who logs in there.
    case elsewhere
    /// Chunks without a length, each time.
    case chunked
    /// 429 with `Retry-After`.
    case busy
    /// 503 with `Retry-After`.
    case down
    /// The connection ends half way.
    case short
    /// One byte is another.
    case wrong
    /// The connection ends half way, and the token is good no longer.
    case expiry
    /// The second half does not come until the first is with the node.
    case slow
}

/// A registry that wants tokens, with an image for each fault, in the repository of its name.
final class FaultyRegistry: Sendable {
    private struct State {
        var token = 1
        var happened: Set<RegistryFault> = []
        var granted = 0
    }

    let images: [RegistryFault: TestImage]
    /// Lets the second half of what is slow go out.
    let release = TestEvent()
    private let storage: ScriptedServer
    private let state = Mutex(State())

    /// `storage`: a server that answers with ``store(_:)``.
    init(_ images: [RegistryFault: TestImage], storage: ScriptedServer) {
        self.images = images
        self.storage = storage
    }

    /// Makes an image for each fault, with a layer of several pieces.
    static func makeImages(in directory: String, seed: Int) async throws -> [RegistryFault: TestImage] {
        var images: [RegistryFault: TestImage] = [:]
        for (number, fault) in RegistryFault.allCases.enumerated() {
            images[fault] = try await makeImage(
                in: "\(directory)/image-\(fault)",
                layers: [1.2],
                seed: seed + number
            )
        }
        return images
    }

    /// What has happened to somebody.
    var happened: Set<RegistryFault> { state.withLock { $0.happened } }
    /// How many tokens were given out.
    var granted: Int { state.withLock { $0.granted } }

    /// How much of a layer goes out before it is held.
    static func half(of image: TestImage) -> Int { Int(image.layerBytes) / 2 / pieceSize * pieceSize }
    private static let pieceSize = 256 << 10

    /// The other host's answer.
    static func store(_ images: [RegistryFault: TestImage], _ request: ScriptedRequest) -> Script {
        let name = request.path.split(separator: "/").last.map(String.init) ?? ""
        guard !request.headers.contains("Authorization") else { return .respond(400) }
        guard let image = images[.elsewhere], let digest = Digest(name), let bytes = bytes(image, digest) else {
            return .respond(404)
        }
        return .content(bytes, for: request)
    }

    /// The registry's answer.
    func answer(_ request: ScriptedRequest) -> Script {
        if request.path == "/token" { return grant(request) }
        let good = state.withLock { "Bearer token-\($0.token)" }
        guard request.headers["Authorization"] == good else {
            let realm = "http://\(request.headers["Host"] ?? "")/token"
            return .challenge("Bearer realm=\"\(realm)\",service=\"faulty\"")
        }
        let parts = request.path.split(separator: "/").map(String.init)
        guard parts.count == 5, let fault = RegistryFault(rawValue: parts[2]), let image = images[fault],
            let digest = parts[4] == "v1" ? image.manifest : Digest(parts[4]), let bytes = Self.bytes(image, digest)
        else { return .respond(parts.count == 1 ? 200 : 404) }
        let isManifest = parts[3] == "manifests"
        let headers: HeaderFields = [
            "Content-Type": isManifest ? "application/vnd.oci.image.manifest.v1+json" : "application/octet-stream",
            "Docker-Content-Digest": "\(digest)",
        ]
        let isLayer = !isManifest && bytes.count > Self.pieceSize
        guard isLayer, request.method == "GET", begins(fault) || [.chunked, .elsewhere].contains(fault) else {
            return .content(bytes, for: request, headers)
        }
        return script(fault, image, bytes, request, headers)
    }

    private static func bytes(_ image: TestImage, _ digest: Digest) -> [UInt8]? {
        (try? Data(contentsOf: URL(filePath: image.path(of: digest)))).map { Array($0) }
    }

    private func grant(_ request: ScriptedRequest) -> Script {
        let basic = "Basic \(Data("u:p".utf8).base64EncodedString())"
        guard request.headers["Authorization"] == basic else { return .respond(401) }
        let token = state.withLock { state in
            state.granted += 1
            return state.token
        }
        return .respond(200, body: Array("{\"token\":\"token-\(token)\",\"expires_in\":3600}".utf8))
    }

    /// Whether this is the first time.
    private func begins(_ fault: RegistryFault) -> Bool { state.withLock { $0.happened.insert(fault).inserted } }

    private func script(
        _ fault: RegistryFault,
        _ image: TestImage,
        _ bytes: [UInt8],
        _ request: ScriptedRequest,
        _ headers: HeaderFields
    ) -> Script {
        let half = Self.half(of: image)
        switch fault {
        case .elsewhere: return .redirect(to: storage.url("/store/\(Digest.of(bytes))"), status: 307)
        case .chunked:
            let chunks = stride(from: 0, to: bytes.count, by: 100_000)
                .map { Array(bytes[$0..<min($0 + 100_000, bytes.count)]) }
            return .chunked(chunks, headers)
        case .busy: return .respond(429, ["Retry-After": "0"])
        case .down: return .respond(503, ["Retry-After": "0"])
        case .short: return .short(bytes, sending: half, headers)
        case .wrong:
            var other = bytes
            other[half] ^= 1
            return .content(other, for: request, headers)
        case .expiry:
            state.withLock { $0.token += 1 }
            return .short(bytes, sending: half, headers)
        case .slow:
            var fields = headers
            fields["Content-Length"] = "\(bytes.count)"
            fields["Accept-Ranges"] = "bytes"
            return .head(200, fields).body(bytes[..<(half + 100)]).wait(release).body(bytes[(half + 100)...])
        }
    }
}
