import BackendAPI
import Content
import CurlTransport
import PeerEngine
import Synchronization
import Testing
import WireAPI

@testable import SupernodeService

/// A supernode, a node and a webhook in this process with all listeners that `docs/openapi.yaml` describes, and what it says of them.
struct DescribedServers: Sendable {
    let description: APIDescription
    let origin: RefusingOrigin
    let supernode: SupernodeService.Supernode
    let transport: CurlTransport
    let api: ServedListener
    let supernodePieces: ServedListener
    let nodePieces: ServedListener
    let control: ServedListener
    let webhook: ServedListener
    let health: ServedListener
    /// Whether the processes can do their work, as `/readyz` tells it.
    let isReady: Flag
    /// The calls that were answered as described: `METHOD /path status`.
    let answered = Answered()

    /// What a peer has to show to register.
    static let token = "sesame"

    var listeners: [ServedListener] { [api, supernodePieces, nodePieces, control, webhook, health] }

    /// Something that is so or not.
    final class Flag: Sendable {
        private let value = Mutex(true)
        var isSet: Bool { value.withLock { $0 } }
        func set(_ new: Bool) { value.withLock { $0 = new } }
    }

    /// What has been seen so far.
    final class Answered: Sendable {
        private let calls = Mutex<Set<String>>([])
        var all: Set<String> { calls.withLock { $0 } }
        func add(_ call: String) { _ = calls.withLock { $0.insert(call) } }
    }

    /// A URL of the origin.
    func resource(_ text: String) throws -> ResourceURL {
        let url = ResourceURL(text)
        return try #require(url, "\(text) is no URL")
    }

    /// Puts content at a URL of the origin.
    func put(_ bytes: [UInt8], at text: String, credentials: HeaderFields = [:]) throws {
        var object = MemoryBackend.Object(bytes)
        object.credentials = Credentials(headers: credentials)
        object.headers = ["Content-Type": "text/x-test"]
        origin.memory.set(object, at: try resource(text))
    }
}
