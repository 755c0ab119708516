internal import CLibCurl
internal import Content
internal import Glibc
internal import RateLimiting
import Synchronization

/// One transfer from `perform` to its end, over all its hops.
///
/// `@unchecked`: after the hand-over through ``CommandQueue``, whose lock orders it, everything that changes is touched
/// by the transport's thread alone; other threads see constants and the atomic flag. Where the queue is closed there is
/// no hand-over, and the caller ends the transfer itself.
final class Transfer: @unchecked Sendable {
    let request: TransferRequest
    let queue: CommandQueue
    let configuration: TransportConfiguration
    private let cancelled = Atomic(false)
    private let started = ContinuousClock.now
    private var continuation: CheckedContinuation<Result<TransferSummary, TransferError>, Never>?

    var sink: (any TransferSink)?
    var hop: Hop
    /// `user:password` of the URL that the transfer was begun with.
    let ownUserInfo: String?
    var handle: EasyHandle?
    var collector = HeadCollector()
    /// The fields behind the body.
    var trailers = HeadCollector()
    /// What the sink got.
    var head: TransferHead?
    /// What came of a request that only connects.
    var connected: ConnectedSocket?
    /// Where the current response redirects to.
    var redirect: Hop?
    /// Whether a kept connection has turned out to be spoilt, and the hop begins again over a new one.
    var needsNewConnection = false
    /// How much of a redirect's own body came; it is read so that the connection can be used again.
    var discarded = 0
    /// Why a callback has ended the transfer.
    var failure: TransferError?
    /// An address that the policy refused.
    var refusedAddress: IPAddress?
    /// Whether a server at a public address has been asked on some hop.
    var hasAskedPublic = false
    var usesProxy = false
    var bodyBytes: Int64 = 0
    /// How far the body was sent, for `.bytes` of schemes other than HTTP.
    var sentBytes = 0
    var pauses = Pauses()
    var grant: RateGrant

    /// What stands still, and why.
    struct Pauses {
        var bySink = false
        var bySource = false
        var receivingByLimit = false
        var sendingByLimit = false
        var limitedUntil: ContinuousClock.Instant?
    }

    /// What becomes of a transfer after an event.
    enum Outcome {
        case goesOn
        case nextHop
        case ended(Result<TransferSummary, TransferError>)
    }

    init(
        _ request: TransferRequest,
        sink: any TransferSink,
        queue: CommandQueue,
        configuration: TransportConfiguration
    ) throws(TransferError) {
        hop = try Hop(request)
        ownUserInfo = hop.url.userInfo
        self.request = request
        self.sink = sink
        self.queue = queue
        self.configuration = configuration
        grant = RateGrant(request.options.rateLimits)
    }

    /// The transfer that an easy handle belongs to.
    static func of(_ easy: UnsafeMutableRawPointer) -> Transfer? {
        var pointer: UnsafeMutableRawPointer?
        CLibCurl_get_pointer(easy, CURLINFO_PRIVATE, &pointer)
        return pointer.map { Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Before the start is queued.
    func begin(_ continuation: CheckedContinuation<Result<TransferSummary, TransferError>, Never>) {
        self.continuation = continuation
    }

    /// Any thread.
    func cancel() {
        cancelled.store(true, ordering: .relaxed)
        queue.push(.cancel(self))
    }

    var isCancelled: Bool { cancelled.load(ordering: .relaxed) || queue.isClosed }
    /// When to ask the limits again; nil where the transfer does not wait for them.
    var limitedUntil: ContinuousClock.Instant? { pauses.limitedUntil }
    /// Whether the body can be paused: libcurl reads a file to its end in one call.
    var canPause: Bool { hop.url.scheme != "file" }
    var isHTTP: Bool { hop.url.scheme == "http" || hop.url.scheme == "https" }

    /// The last thing that happens; the sink is let go, so that a control that somebody keeps holds nothing.
    func end(_ result: Result<TransferSummary, TransferError>) {
        grant.release()
        sink = nil
        handle = nil
        continuation?.resume(returning: result.mapError { withBytes($0) })
        continuation = nil
    }

    /// libcurl has finished the current hop.
    func finished(_ result: CURLcode) -> Outcome {
        if let failure { return .ended(.failure(failure)) }
        if let redirect {
            // A redirect stands even where its own body was cut short.
            hop = redirect
            needsNewConnection = false
            reset()
            return .nextHop
        }
        guard result == CURLE_OK else {
            let error = error(for: result)
            guard hadSpoiltConnection(error) else { return .ended(.failure(error)) }
            needsNewConnection = true
            reset()
            return .nextHop
        }
        if request.connectsOnly { return .ended(takeConnection()) }
        if head == nil { announceWithoutHead() }
        if let failure { return .ended(.failure(failure)) }
        guard let head else {
            return .ended(.failure(TransferError(.protocolError, "\(hop.url.origin): no response")))
        }
        return .ended(.success(summary(head)))
    }

    /// Whether what came in the place of a response are bytes that an earlier one had too many, on a connection that was kept.
    ///
    /// Only what is safe to be asked twice is (RFC 9110 §9.2.1), and only once.
    private func hadSpoiltConnection(_ error: TransferError) -> Bool {
        isHTTP && head == nil && error.code == .protocolError && !needsNewConnection
            && ["GET", "HEAD"].contains(hop.method) && !hop.sendsBody && handle?.number(CURLINFO_NUM_CONNECTS) == 0
    }

    /// Takes the socket out of libcurl's hands, which closes only its own descriptor of it.
    private func takeConnection() -> Result<TransferSummary, TransferError> {
        var socket = CURL_SOCKET_BAD
        guard let handle, CLibCurl_get_socket(handle.raw, &socket) == CURLE_OK, socket >= 0 else {
            return .failure(TransferError(.cannotConnect, "\(hop.url.origin): there is no connection"))
        }
        // The watch knows a socket by its file, which lives on: it would report a number that is somebody else's by then.
        queue.forget(socket)
        let copy = fcntl(socket, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else {
            return .failure(TransferError(.io, "\(hop.url.origin): no descriptor is left: errno \(errno)"))
        }
        connected = ConnectedSocket(taking: copy)
        return .success(summary(TransferHead(status: 0)))
    }

    private func reset() {
        redirect = nil
        collector = HeadCollector()
        discarded = 0
        refusedAddress = nil
        pauses = Pauses()
    }

    private func error(for result: CURLcode) -> TransferError {
        let place = hop.url.origin
        if let refusedAddress, result == CURLE_COULDNT_CONNECT || result == CURLE_ABORTED_BY_CALLBACK {
            return TransferError(
                .addressRefused,
                "\(place): connections to \(refusedAddress) are not allowed\(wasSentByPublic ? ", where a public server redirects" : "")",
                curlCode: Int32(result.rawValue)
            )
        }
        // libcurl names the file, and does not say why.
        let file = result == CURLE_SSL_CACERT_BADFILE ? tls.caFile : nil
        let detail = file.flatMap { AuthorityCache.fault(of: $0) }?.description ?? handle?.errorText ?? ""
        return .curl(result, detail: detail, place: place, headSeen: head != nil)
    }

    private func withBytes(_ error: TransferError) -> TransferError {
        var error = error
        error.bytesReceived = bodyBytes
        return error
    }

    private func summary(_ head: TransferHead) -> TransferSummary {
        let connects = handle?.number(CURLINFO_NUM_CONNECTS) ?? 0
        let connected = max(
            handle?.offset(CURLINFO_CONNECT_TIME_T) ?? 0,
            handle?.offset(CURLINFO_APPCONNECT_TIME_T) ?? 0
        )
        let address = handle?.string(CURLINFO_PRIMARY_IP)
        return TransferSummary(
            head: head,
            trailers: trailers.fields,
            bodyBytes: bodyBytes,
            totalSeconds: (ContinuousClock.now - started).seconds,
            connectSeconds: connects == 0 ? 0 : Double(connected) / 1e6,
            reusedConnection: connects == 0 && isHTTP,
            remoteAddress: address.flatMap { $0.isEmpty ? nil : $0 }
        )
    }

    /// How much of the total timeout is left; nil without one.
    func remainingTime() -> Duration? {
        request.options.totalTimeout.map { $0 - (ContinuousClock.now - started) }
    }
}
