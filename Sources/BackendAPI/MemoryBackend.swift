public import Content
internal import RateLimiting
internal import Synchronization

/// A backend over contents in memory: the smallest that fulfils the contract, and the origin of tests.
public final class MemoryBackend: Backend {
    /// What is found at one URL.
    public struct Object: Sendable {
        /// The content.
        public var bytes: [UInt8]
        /// Names this version; empty where the origin tells nothing.
        public var validators: Validators
        /// How long it may be used.
        public var freshness: Freshness
        /// Told in heads.
        public var digest: Digest?
        /// Told in heads.
        public var headers: HeaderFields
        /// Who may have it; empty: everybody.
        public var credentials: Credentials
        /// Whether ranges are granted.
        public var grantsRanges: Bool
        /// Whether heads tell the length.
        public var tellsLength: Bool

        /// An object whose entity tag is made of its content.
        public init(_ bytes: [UInt8]) {
            self.bytes = bytes
            validators = Validators(entityTag: "\"\(Digest.of(bytes).hex.prefix(16))\"")
            freshness = Freshness()
            headers = ["Content-Type": "application/octet-stream"]
            credentials = Credentials()
            grantsRanges = true
            tellsLength = true
        }
    }

    /// Something that goes wrong, once.
    public enum Fault: Sendable {
        /// Instead of an answer.
        case failure(BackendError)
        /// After so many bytes of a body: ``BackendError/Code/closedEarly``.
        case closed(after: Int)
    }

    private struct State {
        var objects: [String: Object] = [:]
        var faults: [Fault] = []
        var requests: [OriginRequest] = []
        var bytesSent: Int64 = 0
    }

    private let state = Mutex(State())
    private let chunk: Int

    /// An empty backend that hands out `chunk` bytes at a time.
    public init(chunk: Int = 16 << 10) { self.chunk = max(1, chunk) }

    /// Ranges and listing.
    public let capabilities: BackendCapabilities = [.ranges, .listing]

    /// Puts an object at a URL in place of what was there; nil takes it away.
    public func set(_ object: Object?, at url: ResourceURL) {
        state.withLock { $0.objects[url.text] = object }
    }

    /// Makes the next requests go wrong, one after the other.
    public func fail(_ faults: Fault...) {
        state.withLock { $0.faults += faults }
    }

    /// All requests so far, in order.
    public var requests: [OriginRequest] { state.withLock { $0.requests } }
    /// How many bytes sinks have consumed so far.
    public var bytesSent: Int64 { state.withLock { $0.bytesSent } }

    /// Hands the content out on the calling task.
    public func fetch(_ request: OriginRequest, into sink: any ContentSink) async throws(BackendError) {
        let (object, fault) = try answer(to: request)
        let head = try Self.head(of: object, for: request)
        let body = Self.body(head, object)
        do {
            try sink.begin(head)
        } catch {
            throw BackendError(.sinkFailed, "the content was refused", cause: error)
        }
        let end = fault.map { min(body.startIndex + $0, body.endIndex) } ?? body.endIndex
        var position = body.startIndex
        let gate = FlowGate()
        var grant = RateGrant(request.limits)
        defer { grant.release() }
        while position < end {
            if Task.isCancelled { throw BackendError(.cancelled, "cancelled") }
            let part = body[position..<min(position + chunk, end)]
            do { try await grant.take(part.count) } catch { throw BackendError(.cancelled, "cancelled") }
            let result: SinkResult
            // Before: whoever has the bytes from the sink finds them counted.
            count(part.count)
            do {
                result = try part.withUnsafeBytes { try sink.receive($0, flow: gate) }
            } catch {
                count(-part.count)
                throw BackendError(.sinkFailed, "the content could not be stored", cause: error)
            }
            switch result {
            case .consumed:
                position = part.endIndex
            case .paused:
                count(-part.count)
                try await gate.pass()
            }
        }
        if fault != nil { throw BackendError(.closedEarly, "the content ended early") }
    }

    private func count(_ bytes: Int) { state.withLock { $0.bytesSent += Int64(bytes) } }

    /// What is known of the object.
    public func head(_ request: OriginRequest) async throws(BackendError) -> ContentHead {
        var request = request
        request.range = nil
        return try Self.head(of: try answer(to: request).0, for: request)
    }

    /// The names directly below the URL.
    public func list(_ request: OriginRequest) async throws(BackendError) -> [ListedEntry] {
        let url = request.resource.url
        let prefix = url.origin + (url.path.hasSuffix("/") ? url.path : url.path + "/")
        let objects = state.withLock { $0.objects.filter { $0.key.hasPrefix(prefix) && $0.key != prefix } }
        guard !objects.isEmpty else { throw BackendError(.notFound, "nothing below \(url.withoutQuery)") }
        var entries: [String: ListedEntry] = [:]
        for (text, object) in objects {
            let rest = text.dropFirst(prefix.count)
            let name = String(rest.prefix { $0 != "/" })
            entries[name] =
                name.count == rest.count
                ? ListedEntry(name: name, kind: .file, length: Int64(object.bytes.count))
                : ListedEntry(name: name, kind: .directory)
        }
        return entries.values.sorted { $0.name < $1.name }
    }

    /// The object, and after how many bytes to break off.
    private func answer(to request: OriginRequest) throws(BackendError) -> (Object, Int?) {
        let url = request.resource.url
        let (object, fault) = state.withLock { state in
            state.requests.append(request)
            return (state.objects[url.text], state.faults.isEmpty ? nil : state.faults.removeFirst())
        }
        var breakOff: Int?
        switch fault {
        case .failure(let error): throw error
        case .closed(let count): breakOff = count
        case nil: break
        }
        guard let object else { throw BackendError(.notFound, "there is no \(url.withoutQuery)", status: 404) }
        if !object.credentials.isEmpty, object.credentials != request.credentials {
            throw request.credentials.isEmpty
                ? BackendError(
                    .unauthorized,
                    "\(url.withoutQuery) wants credentials",
                    challenges: ["Basic realm=\"memory\""],
                    status: 401
                )
                : BackendError(.forbidden, "\(url.withoutQuery) is not for these credentials", status: 403)
        }
        return (object, breakOff)
    }

    private static func head(of object: Object, for request: OriginRequest) throws(BackendError) -> ContentHead {
        let length = Int64(object.bytes.count)
        var head = ContentHead(
            length: object.tellsLength ? length : nil,
            validators: object.validators,
            freshness: object.freshness,
            digest: object.digest,
            acceptsRanges: object.grantsRanges,
            headers: object.headers
        )
        switch request.condition {
        case .ifUnchanged(let known) where known != object.validators:
            throw BackendError(.changedAtOrigin, "\(request.resource.url.withoutQuery) has changed", status: 412)
        case .ifChanged(let known) where known == object.validators && !known.isEmpty:
            head.notModified = true
            return head
        default: break
        }
        guard let range = request.range, object.grantsRanges else { return head }
        if length == 0, range.offset == 0 {
            head.range = ByteRange(length: 0)
            return head
        }
        guard let granted = range.resolve(length: length) else {
            throw BackendError(.rangeNotSatisfiable, "the range lies behind the end", status: 416, length: length)
        }
        head.range = granted
        return head
    }

    private static func body(_ head: ContentHead, _ object: Object) -> ArraySlice<UInt8> {
        if head.notModified { return [] }
        guard let range = head.range else { return object.bytes[...] }
        return object.bytes[Int(range.offset)..<Int(range.end)]
    }
}
