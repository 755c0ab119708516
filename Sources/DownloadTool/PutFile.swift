import Content
import CurlTransport
import FoundationEssentials
import Glibc
import PeerEngine
import WireAPI

/// Streams a file into the store of the first supernode that answers.
struct PutFile: Sendable {
    let links: Links
    let supernodes: [SupernodeAddress]
    let token: String?

    /// `path`: `-` is standard input.
    ///
    /// Returns the content's digest, by which it can be fetched anywhere.
    func run(_ path: String) async throws -> PutResponse {
        guard !supernodes.isEmpty else {
            throw ToolFailure(.usage, "put needs a supernode: name one with --node or in the configuration")
        }
        let file = try OpenFile(path)
        let address = try await reachable()
        var request = TransferRequest(url: address.url + APIPath.objects, method: "POST", options: links.supernode)
        request.options.lowSpeed = LowSpeedLimit(bytesPerSecond: 1, for: .seconds(300))
        request.headers["Content-Type"] = "application/octet-stream"
        if let token { request.credentials["Authorization"] = "Bearer \(token)" }
        request.body = .stream(length: file.length, file)
        let response = try await links.transport.send(request, limit: 64 << 10)
        guard (200..<300).contains(response.head.status),
            let answer = try? JSONDecoder().decode(PutResponse.self, from: Data(response.body))
        else {
            if let error = try? JSONDecoder().decode(WireErrorBody.self, from: Data(response.body)) {
                let failure = ToolFailure(error.error)
                throw ToolFailure(failure.status, "\(address): \(failure.message)")
            }
            throw ToolFailure(.network, "\(address) answered \(response.head.status)")
        }
        return answer
    }

    private func reachable() async throws(ToolFailure) -> SupernodeAddress {
        var reason = ""
        for address in supernodes {
            var request = TransferRequest(url: address.url + "/healthz", options: links.supernode)
            request.options.totalTimeout = .seconds(5)
            do throws(TransferError) {
                let response = try await links.transport.send(request, limit: 4096)
                if response.head.status < 500 { return address }
                reason = "\(address) answered \(response.head.status)"
            } catch {
                reason = address.explanation(of: error)
            }
        }
        throw ToolFailure(.network, "no supernode answers; \(reason)")
    }
}

/// A file that is read while it is sent.
private final class OpenFile: RequestBodySource {
    private let descriptor: Int32
    private let path: String
    /// Nil where only the end will tell: a pipe.
    let length: Int64?

    init(_ path: String) throws(ToolFailure) {
        self.path = path
        descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        var status = stat()
        guard descriptor >= 0, fstat(descriptor, &status) == 0 else {
            throw ToolFailure(.local, "\(path): \(String(cString: strerror(errno)))")
        }
        guard status.st_mode & S_IFMT != S_IFDIR else { throw ToolFailure(.local, "\(path) is a directory") }
        length = status.st_mode & S_IFMT == S_IFREG && path != "-" ? Int64(status.st_size) : nil
    }

    deinit {
        if descriptor != STDIN_FILENO { close(descriptor) }
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, control: TransferControl) throws -> BodyReadResult {
        while true {
            let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            if count > 0 { return .bytes(count) }
            if count == 0 { return .end }
            guard errno == EINTR else { throw ToolFailure(.local, "\(path): \(String(cString: strerror(errno)))") }
        }
    }

    func rewind() -> Bool { descriptor != STDIN_FILENO && lseek(descriptor, 0, SEEK_SET) == 0 }
}
