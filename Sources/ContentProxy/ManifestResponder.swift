import BackendAPI
import CacheStore
import Content
import HTTPService
import HTTPTypes
import Hummingbird
import NIOCore
import OriginFetch
import PeerEngine
import RegistryProtocol
import Synchronization
import WireAPI

/// Answers requests for manifests: what a tag names is asked for at the registry, what a digest names comes through the
/// swarm and is kept.
final class ManifestResponder: Sendable {
    /// Asks the registry, or whoever asks it for many, what is at a URL.
    typealias LookUp = @Sendable (Resource, Credentials) async throws(DownloadError) -> ContentHead

    private let engine: PeerEngine
    private let lookUp: LookUp
    private let configuration: ManifestConfiguration
    /// How long a registry may say nothing about a tag.
    private let patience: Duration
    private let memory = Mutex(TagMemory())

    /// The longest manifest that is kept (distribution-spec: registries should take 4 MiB).
    private static let longest: Int64 = 8 << 20
    init(engine: PeerEngine, configuration: MirrorConfiguration, lookUp: @escaping LookUp) {
        self.engine = engine
        self.configuration = configuration.manifests
        patience = configuration.patienceWithTags
        self.lookUp = lookUp
    }

    /// The answer to a GET or HEAD.
    ///
    /// `credentials` logs in. Throws where the request is to be passed on, so that the client sees the registry's own answer, and
    /// with ``WireError/isSilence`` where that would say nothing either.
    func respond(
        to request: Request,
        _ context: ServiceRequestContext,
        target: MirrorTarget,
        credentials login: @escaping @Sendable () async throws(DownloadError) -> Credentials
    ) async throws(DownloadError) -> Response {
        guard case .manifest(let repository, let reference) = target.path, let url = ResourceURL(target.url) else {
            throw DownloadError(.invalidRequest, "not a manifest")
        }
        context.notes.set(.manifest)
        let accept = request.headers[values: .accept].joined(separator: ", ")
        var resource = Resource(url: url, headers: accept.isEmpty ? [:] : ["Accept": accept])
        var status = CacheStatus()
        var warning: String?
        var isOutage = false
        let silence = target.upstream.silence(patience)
        let credentials = try await silence.bounding(login)
        switch reference {
        case .digest(let digest):
            // A HEAD asks what that repository has, as whoever pushes does.
            if request.method == .head {
                do throws(DownloadError) {
                    let head = try await current(resource, credentials, silence)
                    if let length = head.length {
                        status.forward = .method
                        context.notes.set(status)
                        return Self.response(head.headers, digest, length, request, status, nil) { _ in .init() }
                    }
                } catch {
                    guard Self.isOutage(error) else { throw error }
                    isOutage = true
                    // Nobody else in the swarm hears more of the registry, and its silence has been waited for.
                    let isHere = engine.heldRecord(of: TaskID(content: digest)) != nil
                    guard isHere || !error.isSilence else { throw error }
                }
            }
            resource.digest = digest
        case .tag:
            let (answer, source) = try await tag(resource, credentials, silence, &status)
            isOutage = source == .outdated
            warning = isOutage ? "110 darter \"Response is Stale\"" : nil
            guard let digest = answer.digest, digest.algorithm != .md5 else {
                throw DownloadError(.invalidRequest, "the registry does not say which manifest the tag names")
            }
            // What is only remembered may not be for this client: that shows with the manifest itself.
            if source == .registry, request.method == .head, let length = answer.length {
                context.notes.set(status)
                return Self.response(answer.headers, digest, length, request, status, warning) { _ in .init() }
            }
            let named = target.upstream.url(.manifest(repository, .digest(digest)), query: target.query)
            guard let url = ResourceURL(named) else { throw DownloadError(.invalidRequest, "not a URL") }
            resource = Resource(url: url, headers: resource.headers, digest: digest)
        }
        guard let digest = resource.digest else { throw DownloadError(.invalidRequest, "no digest") }
        let (bytes, headers) = try await manifest(resource, credentials, isOutage, context, &status)
        context.notes.set(status)
        return Self.response(headers, digest, Int64(bytes.readableBytes), request, status, warning) { range in
            ResponseBody(byteBuffer: bytes.getSlice(at: Int(range.offset), length: Int(range.count)) ?? ByteBuffer())
        }
    }

    /// Where the word on a tag comes from.
    private enum TagSource {
        /// It was asked just now.
        case registry
        /// The registry's last word, which is believed still.
        case memory
        /// The same, because the registry can not be asked.
        case outdated
    }

    private func tag(
        _ resource: Resource,
        _ credentials: Credentials,
        _ silence: Silence,
        _ status: inout CacheStatus
    ) async throws(DownloadError) -> (head: ContentHead, source: TagSource) {
        let key = TagMemory.Key(url: resource.url, accept: resource.headers["Accept"])
        let fresh = memory.withLock { $0.answer(key, within: configuration.freshness, at: .now) }
        if let fresh {
            status.isHit = true
            return (fresh, .memory)
        }
        let known = configuration.staleIfError ? memory.withLock { $0.answer(key, within: nil, at: .now) } : nil
        do throws(DownloadError) {
            let changes = memory.withLock { $0.changes }
            let head = try await current(resource, credentials, silence)
            // An answer from before a change is none of what the tag names now.
            memory.withLock { if $0.changes == changes { $0.remember(head, key, at: .now) } }
            status.forward = .stale
            return (head, .registry)
        } catch {
            guard Self.isOutage(error), let known else { throw error }
            status.isHit = true
            status.detail = "stale"
            return (known, .outdated)
        }
    }

    /// What the registry says now.
    private func current(
        _ resource: Resource,
        _ credentials: Credentials,
        _ silence: Silence
    ) async throws(DownloadError) -> ContentHead {
        try await silence.bounding { [lookUp] () async throws(DownloadError) in
            try await lookUp(resource, credentials)
        }
    }

    /// The registry has taken a request through this node that may change what its tags name.
    ///
    /// `url`: where it went, whichever way it came.
    func changed(_ url: ResourceURL, by method: HTTPRequest.Method) {
        guard [.put, .delete].contains(method),
            case .manifest(let repository, let reference)? = RegistryPath(url.path)
        else { return }
        let place = url.withoutQuery
        switch reference {
        case .tag: memory.withLock { $0.forget { url, _ in url.withoutQuery == place } }
        case .digest(let digest) where method == .delete:
            // With it go the tags of that repository that name it (distribution-spec, "Deleting Manifests").
            memory.withLock {
                $0.forget { url, named in named == digest && RegistryPath(url.path)?.repository == repository }
            }
        case .digest: break
        }
    }

    /// Whether an error says nothing of the content: the registry is out of reach or in trouble.
    static func isOutage(_ error: DownloadError) -> Bool {
        [
            .originUnreachable, .originUnavailable, .originThrottled, .supernodeUnreachable, .shuttingDown, .busy,
        ]
        .contains(error.code)
    }

    /// The whole manifest, verified.
    ///
    /// `isOutage`: the registry has just been asked in vain.
    private func manifest(
        _ resource: Resource,
        _ credentials: Credentials,
        _ isOutage: Bool,
        _ context: ServiceRequestContext,
        _ status: inout CacheStatus
    ) async throws(DownloadError) -> (ByteBuffer, HeaderFields) {
        let order = DownloadRequest(resource: resource, credentials: credentials)
        let held = isOutage ? try await engine.held(order, inOutage: true) : nil
        let download = if let held { held } else { try await engine.download(order) }
        defer { download.release() }
        let from = try await download.completion()
        context.notes.set(download.taskID)
        context.notes.set(from)
        if from.origin + from.supernode + from.peers > 0 {
            status = CacheStatus(forward: .miss, isStored: true)
        } else if status.forward == nil {
            status.isHit = true
        }
        let head = try await download.head()
        guard let length = head.length, length <= Self.longest else {
            throw DownloadError(.invalidRequest, "the manifest is longer than any that is kept")
        }
        var buffer = ByteBufferAllocator().buffer(capacity: Int(length))
        do {
            try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: Int(length)) { bytes in
                let whole = UnsafeMutableRawBufferPointer(rebasing: bytes[..<Int(length)])
                return try head.file.read(ByteRange(length: length), into: whole)
            }
        } catch {
            throw (error as? StoreError).map { DownloadError($0) } ?? DownloadError(.storageFailed, "\(error)")
        }
        return (buffer, head.record.headers)
    }

    private static func response(
        _ fields: HeaderFields,
        _ digest: Digest,
        _ length: Int64,
        _ request: Request,
        _ status: CacheStatus,
        _ warning: String?,
        body: (ByteRange) -> ResponseBody
    ) -> Response {
        let representation = Representation(length: length, entityTag: EntityTag("\(digest)"))
        var headers: HTTPFields = [:]
        headers[.contentType] = fields["Content-Type"]
        headers.set("Docker-Content-Digest", "\(digest)")
        headers.set("Docker-Distribution-Api-Version", fields["Docker-Distribution-Api-Version"])
        headers.set("OCI-Subject", fields["OCI-Subject"])
        headers.set(status)
        headers.set("Warning", warning)
        return Response.representation(representation, to: request, content: headers, body: body)
    }
}
