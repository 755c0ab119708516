import BackendAPI
import CacheStore
import Content
import CurlTransport
import HTTPService
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NodeConfig
import OriginFetch
import PeerEngine
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing
import WireAPI

@testable import ContentProxy

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A node without supernodes that gives out blobs of an origin in memory, and its clients.
struct BlobRig: Sendable {
    let origin: PausingOrigin
    let engine: PeerEngine
    let store: CacheStore
    let answers: Answers
    let client: BlobClient
    fileprivate let address: String

    /// What the node has said of its answers besides.
    final class Answers: Sendable {
        fileprivate let notes = Mutex<[RequestNotes]>([])
        /// How often credentials were asked for.
        let credentials = Mutex(0)
        /// How many have been asked for.
        var count: Int { notes.withLock { $0.count } }
        /// The last answer's.
        func note(_ name: String) -> String? { notes.withLock { $0.last }?[name] }
    }

    /// A blob of the origin; `as` another one's name: its bytes are wrong then.
    func put(
        _ bytes: [UInt8],
        as digest: Digest? = nil,
        _ change: (inout MemoryBackend.Object) -> Void = { _ in }
    ) throws -> String {
        var object = MemoryBackend.Object(bytes)
        change(&object)
        let path = "/v2/a/blobs/\(digest ?? Digest.of(bytes))"
        origin.memory.set(object, at: try #require(ResourceURL("http://origin\(path)")))
        return path
    }

    func url(_ path: String) -> String { "http://\(address)\(path)" }

    /// What is here of a blob.
    func committed(_ path: String) throws -> PieceSet {
        let digest = try #require(Digest(path.split(separator: "/").last.map(String.init) ?? ""))
        return try store.open(TaskID(content: digest))?.committed ?? []
    }
}

/// Answers with what the responder has, and 421 with the reason where it wants the request to be passed on.
private struct BlobEndpoint: HTTPResponder {
    typealias Context = ServiceRequestContext
    let blobs: BlobResponder
    let answers: BlobRig.Answers

    func respond(to request: Request, context: ServiceRequestContext) async throws -> Response {
        answers.notes.withLock { $0.append(context.notes) }
        guard let name = request.uri.path.split(separator: "/").last, let digest = Digest(String(name)),
            let url = ResourceURL("http://origin\(request.uri.path)")
        else { return Response(status: .notFound) }
        let authorization = request.headers[.authorization]
        var reason = "not here"
        do throws(DownloadError) {
            let response = try await blobs.respond(to: request, context: context, url: url, digest: digest) {
                answers.credentials.withLock { $0 += 1 }
                return Credentials(headers: authorization.map { ["Authorization": $0] } ?? [:])
            }
            if let response { return response }
        } catch {
            reason = error.code.rawValue
        }
        return Response(status: .misdirectedRequest, headers: [.server: reason])
    }
}

private struct OriginPlugin: BackendPlugin {
    let origin: PausingOrigin
    var name: String { "memory" }
    var schemes: [String] { ["http"] }
    func makeBackend(_ options: RawConfig) throws(ConfigError) -> any Backend { origin }
}

private struct Jobs: Service {
    let jobs: BackgroundJobs
    func run() async { await jobs.run() }
}

/// Runs such a node for the time of `body`; a request to the origin is made so many times, and fails then.
func withBlobs(
    attempts: Int = 1,
    patience: Duration = .seconds(50),
    prefetch: Prefetch = .rest,
    quota: Int64? = nil,
    early: EarlyReading = EarlyReading(),
    _ body: (BlobRig) async throws -> Void
) async throws {
    try await withTemporaryDirectory { directory in
        var place = StoreConfiguration()
        place.directory = directory
        place.freeSpaceFloor = ByteCount(bytes: 0)
        place.quota = quota.map { ByteCount(bytes: $0) }
        place.servesPieces = false
        let store = try await CacheStore.open(place, logger: quiet)
        let (origin, jobs, transport) = (PausingOrigin(), BackgroundJobs(), CurlTransport(logger: quiet))
        var fetching = OriginFetchConfiguration()
        fetching.retry.attempts = attempts
        fetching.retry.baseDelay = .zero
        let engine = PeerEngine(
            PeerEngineConfiguration(),
            supernodes: [],
            identity: NodeIdentity(name: "test"),
            links: PeerEngine.Links(transport: transport, supernode: TransferOptions(), pieces: TransferOptions()),
            backends: try BackendRegistry(plugins: [OriginPlugin(origin: origin)], entries: []),
            origin: fetching,
            store: store,
            clusterToken: nil,
            logger: quiet
        )
        var configuration = MirrorConfiguration()
        configuration.patience = patience
        configuration.prefetch = prefetch
        let answers = BlobRig.Answers()
        let listener = HTTPListener(
            name: "blobs",
            configuration: ListenerConfiguration(address: ListenAddress(.tcp(host: "127.0.0.1", port: 0))),
            responder: BlobEndpoint(
                blobs: BlobResponder(configuration, engine: engine, jobs: jobs, early: early),
                answers: answers
            ),
            logger: quiet
        )
        let services = ServiceGroup(
            configuration: .init(services: [listener, engine, Jobs(jobs: jobs)], logger: quiet)
        )
        let running = Task { try await services.run() }
        func end() async {
            running.cancel()
            _ = await running.result
            await transport.shutdown()
            await store.close()
        }
        do {
            let rig = BlobRig(
                origin: origin,
                engine: engine,
                store: store,
                answers: answers,
                client: BlobClient(transport: transport),
                address: "127.0.0.1:\(try await listener.bound().port ?? 0)"
            )
            try await body(rig)
        } catch {
            await end()
            throw error
        }
        await end()
    }
}

/// A client of blobs.
struct BlobClient: Sendable {
    let transport: CurlTransport

    struct Answer: Sendable {
        var status = 0
        var headers = HeaderFields()
        var body: [UInt8] = []
        /// Whether all came that was announced.
        var isWhole = true
    }

    /// A GET or HEAD, and what comes of it.
    ///
    /// `reached` happens once so many bytes have come; `go`: nothing is taken before.
    func send(
        _ method: String = "GET",
        _ url: String,
        _ headers: HeaderFields = [:],
        reaching count: Int = .max,
        _ reached: TestEvent? = nil,
        after go: TestEvent? = nil
    ) async throws -> Answer {
        var options = TransferOptions()
        options.addresses = .any
        options.proxy = .none
        options.totalTimeout = .seconds(60)
        var request = TransferRequest(url: url, method: method, options: options)
        request.headers = headers
        let sink = Sink(count: count, reached: reached, go: go)
        do throws(TransferError) {
            _ = try await transport.perform(request, into: sink)
        } catch {
            guard error.code == .closedEarly || error.code == .protocolError else { throw error }
            sink.state.withLock { $0.answer.isWhole = false }
        }
        return sink.state.withLock { state in
            state.answer.body = state.body.getBytes(at: 0, length: state.body.readableBytes) ?? []
            return state.answer
        }
    }

    private final class Sink: TransferSink {
        struct State {
            var answer = Answer()
            /// Megabytes: an array would take them byte by byte where nothing is optimised.
            var body = ByteBuffer()
        }

        let state = Mutex(State())
        private let count: Int
        private let reached: TestEvent?
        private let go: TestEvent?

        init(count: Int, reached: TestEvent?, go: TestEvent?) {
            self.count = count
            self.reached = reached
            self.go = go
        }

        func receive(head: TransferHead) throws {
            state.withLock { ($0.answer.status, $0.answer.headers) = (head.status, head.fields) }
        }

        func receive(_ bytes: UnsafeRawBufferPointer, control: TransferControl) throws -> SinkResult {
            if let go, !go.hasFired {
                Task {
                    await go.wait()
                    control.resume()
                }
                return .paused
            }
            let isReached = state.withLock { state in
                state.body.writeBytes(bytes)
                return state.body.readableBytes >= count
            }
            if isReached { reached?.fire() }
            return .consumed
        }
    }
}

extension BlobClient.Answer: CustomStringConvertible {
    var description: String { "\(status), \(body.count) bytes, \(isWhole ? "whole" : "broken off")" }
}
