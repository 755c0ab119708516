internal import CLibCurl
internal import Content
internal import RateLimiting

/// From a request to libcurl's options.
extension Transfer {
    /// Makes the handle for the current hop.
    ///
    /// `authorities`: what the transport's transfers before it have read.
    func prepare(_ authorities: inout AuthorityCache) throws(TransferError) -> EasyHandle {
        let handle = try EasyHandle()
        try setGeneral(handle)
        try setCallbacks(handle)
        try setPlace(handle)
        try setTimes(handle)
        try setTLS(handle, &authorities)
        try setFields(handle)
        try setBody(handle)
        self.handle = handle
        return handle
    }

    private func setGeneral(_ handle: EasyHandle) throws(TransferError) {
        try handle.set(CURLOPT_NOSIGNAL, true)
        try handle.check(CLibCurl_set_quick_exit(handle.raw))
        // Redirects are followed by the transport itself, which knows what may go where.
        try handle.set(CURLOPT_FOLLOWLOCATION, false)
        try handle.set(CURLOPT_HTTP_CONTENT_DECODING, false)
        try handle.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, true)
        try handle.set(CURLOPT_TCP_NODELAY, true)
        try handle.set(CURLOPT_TCP_KEEPALIVE, true)
        try handle.set(CURLOPT_BUFFERSIZE, receiveBuffer)
        try handle.set(CURLOPT_FRESH_CONNECT, needsNewConnection)
        let version = request.options.httpVersion == .http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1
        try handle.set(CURLOPT_HTTP_VERSION, version)
    }

    /// A slow transfer gets small portions, as a portion moves as a whole.
    private var receiveBuffer: Int { grant.portion(upTo: configuration.receiveBufferBytes) }

    private func setCallbacks(_ handle: EasyHandle) throws(TransferError) {
        let context = Unmanaged.passUnretained(self).toOpaque()
        for option in [
            CURLOPT_PRIVATE, CURLOPT_WRITEDATA, CURLOPT_HEADERDATA, CURLOPT_READDATA, CURLOPT_SEEKDATA,
            CURLOPT_OPENSOCKETDATA, CURLOPT_PREREQDATA, CURLOPT_TRAILERDATA,
        ] {
            try handle.set(option, pointer: context)
        }
        try handle.check(
            CLibCurl_set_write(handle.raw) { data, size, count, context in
                Transfer.from(context).takeBody(UnsafeRawBufferPointer(start: data, count: size * count))
            }
        )
        try handle.check(
            CLibCurl_set_header(handle.raw) { data, size, count, context in
                Transfer.from(context).takeHeader(UnsafeRawBufferPointer(start: data, count: size * count))
            }
        )
        try handle.check(
            CLibCurl_set_read(handle.raw) { data, size, count, context in
                Transfer.from(context).giveBody(UnsafeMutableRawBufferPointer(start: data, count: size * count))
            }
        )
        try handle.check(
            CLibCurl_set_seek(handle.raw) { context, offset, _ in
                Transfer.from(context).rewindBody(to: Int64(offset))
            }
        )
        try handle.check(
            CLibCurl_set_opensocket(handle.raw) { context, _, address in
                guard let address else { return -1 }
                return Transfer.from(context).openSocket(address)
            }
        )
        try handle.check(
            CLibCurl_set_prerequest(handle.raw) { context, address, _, _, _ in
                guard let address else { return CURL_PREREQFUNC_ABORT }
                let allowed = Transfer.from(context).mayUse(connectionTo: String(cString: address))
                return allowed ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
            }
        )
    }

    /// The transfer behind a callback's context.
    ///
    /// libcurl hands back what `setCallbacks` gave it, and the loop holds the transfer while its handle lives.
    private static func from(_ context: UnsafeMutableRawPointer?) -> Transfer {
        guard let context else { preconditionFailure("libcurl lost a callback's context") }
        return Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
    }

    private func setPlace(_ handle: EasyHandle) throws(TransferError) {
        let options = request.options
        try handle.set(CURLOPT_URL, hop.url.text)
        try handle.check(CLibCurl_set_protocols(handle.raw, hop.url.scheme))
        let proxy: String? =
            switch options.proxy {
            case .environment: ProxyEnvironment(configuration.environment).proxy(for: proxiedURL)
            case .none: nil
            case .url(let url): url
            }
        usesProxy = proxy != nil && options.unixSocketPath == nil
        // Empty texts keep libcurl from reading the environment itself.
        try handle.set(CURLOPT_PROXY, options.unixSocketPath == nil ? proxy ?? "" : "")
        try handle.set(CURLOPT_NOPROXY, "")
        if request.connectsOnly { try setConnectOnly(handle, proxy) }
        if let path = options.unixSocketPath {
            try handle.set(CURLOPT_UNIX_SOCKET_PATH, path)
        } else if usesProxy, !options.addresses.permits(host: hop.url.host, sentByPublic: wasSentByPublic) {
            throw TransferError(.addressRefused, "\(hop.url.origin): connections to this host are not allowed")
        }
        if hop.isTrusted, !hop.credentials.contains("Authorization"), let user = userInfo {
            try handle.set(CURLOPT_USERNAME, user.name)
            try handle.set(CURLOPT_PASSWORD, user.password)
        }
    }

    /// What is connected to without a request is as private as `https`, and is proxied like it.
    private var proxiedURL: ResourceURL {
        guard request.connectsOnly else { return hop.url }
        return ResourceURL("https://\(hop.url.host.contains(":") ? "[\(hop.url.host)]" : hop.url.host)/") ?? hop.url
    }

    private func setConnectOnly(_ handle: EasyHandle, _ proxy: String?) throws(TransferError) {
        guard proxy?.lowercased().hasPrefix("https:") != true else {
            // Then the socket carries TLS, whose state can not be handed over.
            throw TransferError(
                .unsupported,
                "\(hop.url.origin): no tunnel goes through a proxy that is spoken to over TLS; use an http:// proxy"
            )
        }
        try handle.set(CURLOPT_CONNECT_ONLY, true)
        try handle.set(CURLOPT_FRESH_CONNECT, true)
        try handle.set(CURLOPT_HTTPPROXYTUNNEL, proxy != nil)
    }

    private var userInfo: (name: String, password: String)? {
        guard let text = ownUserInfo else { return nil }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = ResourceURL.percentDecoded(parts[0]),
            let password = parts.count == 2 ? ResourceURL.percentDecoded(parts[1]) : ""
        else { return nil }
        return (name, password)
    }

    private func setTimes(_ handle: EasyHandle) throws(TransferError) {
        try handle.set(CURLOPT_CONNECTTIMEOUT_MS, Self.milliseconds(request.options.connectTimeout))
        if let left = remainingTime() {
            guard left > .zero else { throw TransferError(.timedOut, "\(hop.url.origin): the time is up") }
            try handle.set(CURLOPT_TIMEOUT_MS, Self.milliseconds(left))
        }
        if let limit = request.options.lowSpeed {
            try handle.set(CURLOPT_LOW_SPEED_LIMIT, limit.bytesPerSecond)
            try handle.set(CURLOPT_LOW_SPEED_TIME, max(1, Int(limit.duration.seconds)))
        }
    }

    private static func milliseconds(_ duration: Duration) -> Int {
        // 0 would be libcurl's default, and a day is as good as for ever.
        Int(min(86_400_000, max(1, duration.seconds * 1000)))
    }

    /// Trust and identity at the current hop.
    var tls: TLSOptions {
        hop.url.portInUse.flatMap { request.options.tlsOfPlace?(hop.url.host, $0) } ?? request.options.tls
    }

    private func setTLS(_ handle: EasyHandle, _ authorities: inout AuthorityCache) throws(TransferError) {
        let tls = tls
        try handle.set(CURLOPT_SSL_VERIFYPEER, tls.verify ? 1 : 0)
        try handle.set(CURLOPT_SSL_VERIFYHOST, tls.verify ? 2 : 0)
        try handle.set(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
        if let pem = tls.caPEM {
            try handle.set(CURLOPT_CAINFO_BLOB, blob: Array(pem.utf8))
        } else if tls.caFiles.count > 1 {
            try handle.set(CURLOPT_CAINFO_BLOB, blob: try bytes(of: tls.caFiles, &authorities))
        } else if let file = tls.caFile {
            try handle.set(CURLOPT_CAINFO, file)
        }
        if hop.isTrusted, let certificate = tls.clientCertificate {
            try handle.set(CURLOPT_SSLCERT, certificate)
            try handle.set(CURLOPT_SSLKEY, tls.clientKey ?? certificate)
        }
    }

    private func bytes(of files: [String], _ authorities: inout AuthorityCache) throws(TransferError) -> [UInt8] {
        do throws(AuthorityCache.Fault) {
            return try authorities.bytes(of: files)
        } catch {
            throw TransferError(.tls, "\(hop.url.origin): \(error)")
        }
    }

    private func setFields(_ handle: EasyHandle) throws(TransferError) {
        guard isHTTP else {
            if let range = hop.range?.text { try handle.set(CURLOPT_RANGE, range) }
            return
        }
        var fields = hop.headers
        fields.append(contentsOf: hop.credentials)
        if let range = hop.range?.text { fields["Range"] = "bytes=\(range)" }
        if !fields.contains("User-Agent") { fields["User-Agent"] = request.options.userAgent }
        // libcurl's spelling: `Name;` sends an empty field, `Name:` leaves out one that it would send by itself.
        var lines = fields.map { $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" }
        for name in ["Expect", "Content-Type", "Accept"] where !fields.contains(name) {
            lines.append(name == "Accept" ? "Accept: */*" : "\(name):")
        }
        try handle.set(CURLOPT_HEADEROPT, Int(CURLHEADER_SEPARATE))
        try handle.setHeaders(lines)
    }

    private func setBody(_ handle: EasyHandle) throws(TransferError) {
        if hop.method == "HEAD" { return try handle.set(CURLOPT_NOBODY, true) }
        guard isHTTP else {
            if hop.sendsBody { try setUpload(handle, length: bodyLength) }
            return
        }
        try handle.set(CURLOPT_HTTPGET, true)
        switch request.body {
        case .bytes(let bytes) where hop.sendsBody: try setPost(handle, bytes)
        case .stream(let length, let source) where hop.sendsBody:
            if hop.number > 0, !source.rewind() {
                throw TransferError(.unsupported, "\(hop.url.origin): the body can not be sent again after a redirect")
            }
            try setUpload(handle, length: length)
        default:
            // RFC 9110 §8.6: methods that are expected to have a body say that it is empty.
            if ["POST", "PUT", "PATCH"].contains(hop.method) { try setPost(handle, []) }
        }
        try handle.set(CURLOPT_CUSTOMREQUEST, hop.method)
    }

    private var bodyLength: Int64? {
        switch request.body {
        case .none: nil
        case .bytes(let bytes): Int64(bytes.count)
        case .stream(let length, _): length
        }
    }

    /// libcurl copies the bytes, sends a short body together with the head, and can send it again by itself.
    private func setPost(_ handle: EasyHandle, _ bytes: [UInt8]) throws(TransferError) {
        try handle.set(CURLOPT_POST, true)
        try handle.set(CURLOPT_POSTFIELDSIZE_LARGE, offset: Int64(bytes.count))
        var bytes = bytes
        try handle.check(
            bytes.withUnsafeMutableBytes { buffer in
                var empty: UInt8 = 0
                return withUnsafeMutablePointer(to: &empty) { none in
                    CLibCurl_set_pointer(
                        handle.raw,
                        CURLOPT_COPYPOSTFIELDS,
                        buffer.baseAddress ?? UnsafeMutableRawPointer(none)
                    )
                }
            }
        )
    }

    private func setUpload(_ handle: EasyHandle, length: Int64?) throws(TransferError) {
        try handle.set(CURLOPT_UPLOAD, true)
        try handle.set(CURLOPT_UPLOAD_BUFFERSIZE, 256 << 10)
        try handle.set(CURLOPT_INFILESIZE_LARGE, offset: length ?? -1)
        // Only chunks have something behind them.
        guard length == nil, isHTTP else { return }
        try handle.check(
            CLibCurl_set_trailer(handle.raw) { list, context in
                guard let list else { return CURL_TRAILERFUNC_ABORT }
                return Transfer.from(context).giveTrailers(list)
            }
        )
    }
}
