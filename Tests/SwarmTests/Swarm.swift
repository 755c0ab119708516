import BackendAPI
import CacheStore
import Content
import CurlTransport
import Logging
import NodeConfig
import OriginFetch
import PeerEngine
import PieceServer
import TestSupport
import Testing
import WireAPI

@testable import SupernodeService

/// Supernodes and nodes in this process, which talk over HTTP like any others.
struct Swarm: Sendable {
    let supernodes: [SwarmSupernode]
    let nodes: [SwarmNode]
    /// What nodes reach when they go to the origin themselves.
    let origin: PausingOrigin
    let time: WallTime
    let transport: CurlTransport

    /// Puts content at one URL, at every origin there is: each supernode's and the nodes'.
    func put(_ bytes: [UInt8], at path: String = "/file") throws -> Resource {
        let url = try #require(ResourceURL("http://origin\(path)"))
        for origin in supernodes.map(\.origin) + [origin] { origin.memory.set(.init(bytes), at: url) }
        return Resource(url: url)
    }

    /// The supernodes in the order in which nodes try them.
    func supernodes(for resource: Resource) -> [SwarmSupernode] {
        supernodes.map(\.address).ordered(for: resource.taskID)
            .compactMap { address in supernodes.first { $0.address == address } }
    }

    /// Asks a piece server for a piece.
    func piece(
        _ piece: Int,
        of task: TaskID,
        _ generation: Generation,
        at server: String,
        ticket: String?
    ) async throws -> (status: Int, body: [UInt8]) {
        var request = TransferRequest(url: server + APIPath.piece(task, generation, PieceIndex(piece)))
        request.options = .loopback
        if let ticket { request.headers[APIField.ticket] = ticket }
        let response = try await transport.send(request, limit: 16 << 20)
        return (response.head.status, response.body)
    }
}

/// A supernode with its origin.
struct SwarmSupernode: Sendable {
    let service: SupernodeService.Supernode
    let origin: PausingOrigin
    let address: SupernodeAddress
    /// The URL of its piece server.
    let pieces: String
    let server: RunningServices

    /// How it knows a node.
    func session(of node: SwarmNode) throws -> PeerSession {
        try #require(service.peers.all.first { $0.name == node.name })
    }

    /// A ticket for a piece of a node, or of its own.
    func ticket(_ task: TaskID, _ generation: Generation, for node: SwarmNode?, expiry: Double) throws -> Ticket {
        let (parent, key) =
            try node.map { node in
                let session = try session(of: node)
                return (session.id, session.key)
            } ?? (service.seed.id, service.seed.key)
        return Ticket(
            task: task,
            generation: generation,
            parent: parent,
            peer: PeerID(),
            expiry: Int64(expiry),
            key: key
        )
    }
}

/// A node with its store.
struct SwarmNode: Sendable {
    let name: String
    let engine: PeerEngine
    let store: CacheStore
    /// The URL of its piece server.
    let pieces: String
    let server: RunningServices

    func download(_ resource: Resource) async throws -> TaskDownload {
        try await engine.download(DownloadRequest(resource: resource))
    }
}

extension TransferOptions {
    /// For calls among the members of a swarm.
    static var loopback: TransferOptions {
        var options = TransferOptions()
        options.addresses = .any
        options.proxy = .none
        options.connectTimeout = .seconds(3)
        return options
    }
}

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// The bytes that a complete download has.
func content(of download: TaskDownload) async throws -> [UInt8] {
    _ = try await download.completion()
    let file = try await download.head().file
    var bytes = [UInt8](repeating: 0, count: Int(file.layout.length ?? 0))
    let count = try bytes.withUnsafeMutableBytes { try file.read(ByteRange(length: Int64($0.count)), into: $0) }
    #expect(count == bytes.count)
    return bytes
}
