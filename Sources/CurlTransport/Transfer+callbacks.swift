internal import CLibCurl
internal import Content
internal import Glibc
internal import RateLimiting

/// What libcurl's callbacks do; all on the transport's thread.
extension Transfer {
    /// What the write and header callbacks return to end the transfer: fewer bytes than they were given.
    static let abort = -1
    /// The most of a redirect's own body that is read to keep its connection.
    private static let longestDiscarded = 256 << 10

    // MARK: Head

    func takeHeader(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard redirect == nil, isHTTP else { return bytes.count }
        guard head == nil else {
            if case .malformed(let what) = trailers.take(bytes) {
                return fail(TransferError(.protocolError, "\(hop.url.origin): \(what)"))
            }
            return bytes.count
        }
        switch collector.take(bytes) {
        case .more: return bytes.count
        case .malformed(let what):
            return fail(TransferError(.protocolError, "\(hop.url.origin): \(what)"))
        case .complete:
            guard collector.status >= 200 else { return bytes.count }
            return announce() ? bytes.count : Self.abort
        }
    }

    /// The head is there: follow it, or hand it to the sink.
    private func announce() -> Bool {
        if request.options.followRedirects, [301, 302, 303, 307, 308].contains(collector.status),
            let location = collector.fields["Location"]
        {
            do throws(TransferError) {
                redirect = try hop.redirected(
                    by: collector.status,
                    to: RelativeReference.resolve(location, against: hop.url),
                    options: request.options
                )
            } catch {
                fail(error)
                return false
            }
            return true
        }
        return hand(
            TransferHead(
                status: collector.status,
                fields: collector.fields,
                url: hop.url.text,
                httpVersion: collector.httpVersion,
                contentLength: collector.contentLength
            )
        )
    }

    /// The head of a scheme that has none.
    func announceWithoutHead() {
        guard !isHTTP else { return }
        let length = handle?.offset(CURLINFO_CONTENT_LENGTH_DOWNLOAD_T) ?? -1
        _ = hand(
            TransferHead(
                status: hop.range == nil ? 200 : 206,
                url: hop.url.text,
                httpVersion: "",
                contentLength: length < 0 ? nil : length
            )
        )
    }

    private func hand(_ head: TransferHead) -> Bool {
        self.head = head
        do {
            try sink?.receive(head: head)
            return true
        } catch {
            fail(refusal(error))
            return false
        }
    }

    // MARK: Body

    func takeBody(_ bytes: UnsafeRawBufferPointer) -> Int {
        if isCancelled { return fail(TransferError(.cancelled, "the transfer was cancelled")) }
        if redirect != nil {
            discarded += bytes.count
            return discarded <= Self.longestDiscarded ? bytes.count : Self.abort
        }
        if head == nil {
            announceWithoutHead()
            if failure != nil { return Self.abort }
        }
        guard waitForLimit(bytes.count) else {
            pauses.receivingByLimit = true
            return Int(CURL_WRITEFUNC_PAUSE)
        }
        do {
            switch try sink?.receive(bytes, control: TransferControl(transfer: self)) {
            case .consumed:
                grant.use(bytes.count)
                bodyBytes += Int64(bytes.count)
                return bytes.count
            case .paused:
                guard canPause else {
                    return fail(TransferError(.unsupported, "a \(hop.url.scheme) transfer can not be paused"))
                }
                pauses.bySink = true
                return Int(CURL_WRITEFUNC_PAUSE)
            case nil: return Self.abort
            }
        } catch {
            return fail(refusal(error))
        }
    }

    /// Whether the limits let the bytes through.
    ///
    /// A transfer that can not pause blocks its thread anyway, and waits here.
    private func waitForLimit(_ count: Int) -> Bool {
        guard !canPause else { return admits(count) }
        while !isCancelled, let deadline = grant.admit(count) {
            usleep(useconds_t(min(20_000, max(1, (deadline - .now).seconds * 1e6))))
        }
        return true
    }

    // MARK: Upload

    func giveBody(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
        if isCancelled {
            return fail(TransferError(.cancelled, "the transfer was cancelled"), returning: Int(CURL_READFUNC_ABORT))
        }
        let window = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(grant.portion(upTo: buffer.count)))
        guard admits(window.count) else {
            pauses.sendingByLimit = true
            return Int(CURL_READFUNC_PAUSE)
        }
        do {
            guard let count = try read(into: window) else {
                pauses.bySource = true
                return Int(CURL_READFUNC_PAUSE)
            }
            grant.use(count)
            return count
        } catch {
            return fail(refusal(error), returning: Int(CURL_READFUNC_ABORT))
        }
    }

    /// The next bytes of the body, 0 at its end, nil where there are none yet.
    private func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int? {
        switch request.body {
        case .none: return 0
        case .bytes(let bytes):
            let part = bytes.dropFirst(sentBytes).prefix(buffer.count)
            buffer.copyBytes(from: part)
            sentBytes += part.count
            return part.count
        case .stream(_, let source):
            switch try source.read(into: buffer, control: TransferControl(transfer: self)) {
            case .bytes(let count): return min(count, buffer.count)
            case .end: return 0
            case .paused: return nil
            }
        }
    }

    /// The list is libcurl's from then on; whoever sends must not have written a line of his own into it.
    func giveTrailers(_ list: UnsafeMutablePointer<UnsafeMutablePointer<curl_slist>?>) -> Int32 {
        guard case .stream(_, let source) = request.body else { return CURL_TRAILERFUNC_OK }
        for field in source.trailers() where Hop.isField(field) {
            guard let longer = curl_slist_append(list.pointee, "\(field.name): \(field.value)") else {
                return CURL_TRAILERFUNC_ABORT
            }
            list.pointee = longer
        }
        return CURL_TRAILERFUNC_OK
    }

    func rewindBody(to offset: Int64) -> Int32 {
        guard offset == 0 else { return CURL_SEEKFUNC_CANTSEEK }
        sentBytes = 0
        guard case .stream(_, let source) = request.body else { return CURL_SEEKFUNC_OK }
        return source.rewind() ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL
    }

    // MARK: Addresses

    /// Makes the socket for a connection that is allowed.
    func openSocket(_ address: UnsafeMutablePointer<curl_sockaddr>) -> curl_socket_t {
        let family = address.pointee.family
        if family != AF_UNIX, !usesProxy {
            let place = withUnsafePointer(to: &address.pointee.addr) { IPAddress($0) }
            guard let place, permits(place) else {
                refusedAddress = place
                return -1
            }
        }
        let new = socket(family, address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue), address.pointee.protocol)
        if new >= 0 { queue.expect(new) }
        return new
    }

    /// A connection is there, made just now or long ago for another transfer with another policy.
    func mayUse(connectionTo address: String) -> Bool {
        guard request.options.unixSocketPath == nil else { return true }
        guard !usesProxy else {
            // Where a proxy leads stays its secret, unless the URL says it.
            if !(IPAddress(withZone: hop.url.host)?.isNear ?? false) { hasAskedPublic = true }
            return true
        }
        guard let place = IPAddress(withZone: address) else { return true }
        guard permits(place) else {
            refusedAddress = place
            return false
        }
        if !place.isNear { hasAskedPublic = true }
        return true
    }

    private func permits(_ address: IPAddress) -> Bool {
        request.options.addresses.permits(address, sentByPublic: wasSentByPublic)
    }

    /// Whether it was a server at a public address that redirected here.
    var wasSentByPublic: Bool { hop.number > 0 && hasAskedPublic }

    // MARK: Failing

    @discardableResult
    private func fail(_ error: TransferError, returning value: Int = Transfer.abort) -> Int {
        if failure == nil { failure = error }
        return value
    }

    private func refusal(_ error: any Error) -> TransferError {
        (error as? TransferError) ?? TransferError(.refusedBySink, "the receiver ended the transfer", cause: error)
    }
}
