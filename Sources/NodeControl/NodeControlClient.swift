package import Content
package import CurlTransport
import FoundationEssentials
package import WireAPI

/// The calls of a node's control socket.
package struct NodeControlClient: Sendable {
    private let transport: CurlTransport
    private let options: TransferOptions

    /// `socket`: the path of the control socket.
    ///
    /// `options`: limits that the transfers keep.
    package init(socket: String, transport: CurlTransport, options: TransferOptions = TransferOptions()) {
        self.transport = transport
        var options = options
        options.unixSocketPath = socket
        options.addresses = .any
        options.proxy = .none
        options.followRedirects = false
        options.connectTimeout = .seconds(3)
        // The node watches over its own transfers; it may be silent for as long as an origin is.
        options.lowSpeed = nil
        options.totalTimeout = nil
        self.options = options
    }

    /// Who owns the socket.
    package func describe() async throws -> NodeDescription { try await get(APIPath.node) }

    /// How a download stands; `id` from ``NodeField/download``.
    package func status(of id: String) async throws -> NodeDownloadStatus {
        try await get("\(APIPath.downloads)/\(id)")
    }

    /// Downloads into a sink, which gets the node's response as it is: 200, 206, or an error of ``WireErrorBody``.
    ///
    /// `continuing`: the first byte wanted, of this generation alone; of another one everything comes.
    package func download(
        _ wanted: NodeDownloadRequest,
        continuing: (offset: Int64, generation: Generation)? = nil,
        into sink: any TransferSink
    ) async throws -> TransferSummary {
        var request = TransferRequest(url: Self.base + APIPath.downloads, method: "POST", options: options)
        request.headers["Content-Type"] = "application/json"
        request.body = .bytes([UInt8](try JSONEncoder().encode(wanted)))
        if let continuing {
            request.range = .from(continuing.offset)
            request.headers["If-Range"] = "\"\(continuing.generation)\""
        }
        return try await transport.perform(request, into: sink)
    }

    /// The error that a response of the node tells; nil where it is none of ours.
    package static func error(in body: [UInt8]) -> WireError? {
        try? JSONDecoder().decode(WireErrorBody.self, from: Data(body)).error
    }

    private func get<Answer: Decodable>(_ path: String) async throws -> Answer {
        var request = TransferRequest(url: Self.base + path, options: options)
        request.options.totalTimeout = .seconds(5)
        let response = try await transport.send(request, limit: 64 << 10)
        guard response.head.status == 200 else {
            throw Self.error(in: response.body)
                ?? WireError(.internalError, "the node answered \(response.head.status)")
        }
        return try JSONDecoder().decode(Answer.self, from: Data(response.body))
    }

    private static let base = "http://node"
}
