internal import Content

extension CurlTransport {
    /// Connects to a host and hands the socket over, for what is not a transfer: a tunnel.
    ///
    /// Name resolution, the address policy, the time limit and proxies are those of a transfer to `https://host:port`; a proxy
    /// is asked for a tunnel, and what it says to that is not on the socket any more. No TLS is spoken.
    ///
    /// - Parameters:
    ///   - host: a name or an address, an IPv6 address without brackets.
    ///   - port: the TCP port.
    ///   - options: addresses, proxy and connect timeout count.
    /// - Returns: the socket, which does not block.
    /// - Throws: why there is no connection.
    public func connect(
        host: String,
        port: Int,
        options: TransferOptions
    ) async throws(TransferError) -> ConnectedSocket {
        let name = host.contains(":") ? "[\(host)]" : host
        var request = TransferRequest(url: "http://\(name):\(port)/", options: options)
        request.connectsOnly = true
        request.options.followRedirects = false
        request.options.lowSpeed = nil
        request.options.rateLimits = []
        request.options.unixSocketPath = nil
        request.options.schemes = ["http"]
        let socket = try await run(request, into: BufferingSink(limit: 0, isHead: true)).connected
        guard let socket else {
            throw TransferError(.cannotConnect, "\(name):\(port): there is no connection")
        }
        return socket
    }
}
