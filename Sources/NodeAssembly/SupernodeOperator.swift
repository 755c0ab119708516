import Content
package import CurlTransport
import FoundationEssentials
package import PeerEngine
package import WireAPI

/// What somebody who runs a cluster asks of a supernode.
package struct SupernodeOperator: Sendable {
    private let supernode: SupernodeAddress
    private let token: String?
    private let transport: CurlTransport
    private let options: TransferOptions

    /// `token`: the cluster's secret where there is one.
    package init(
        _ supernode: SupernodeAddress,
        token: String?,
        caFile: String?,
        transport: CurlTransport
    ) {
        self.supernode = supernode
        self.token = token
        self.transport = transport
        var options = TransferOptions()
        options.addresses = .any
        options.proxy = .none
        options.followRedirects = false
        options.totalTimeout = .seconds(30)
        options.tls.caFile = caFile
        self.options = options
    }

    /// The registered peers and the blocked nodes, as a table for people.
    package func peers() async throws -> String {
        let peers = try decode(Listing<PeerListing>.self, try await send("GET", APIPath.peers)).items
        let blocks = try decode(Listing<BlockListing>.self, try await send("GET", APIPath.blocks)).items
        return PeerTable(peers, blocks).text
    }

    /// Nobody is given the node as a parent any more.
    ///
    /// `node`: a peer's identity, or `ip:port` of a node's pieces.
    package func block(_ node: String, reason: String?) async throws -> BlockListing {
        let body = [UInt8](try JSONEncoder().encode(BlockRequest(reason: reason)))
        return try decode(BlockListing.self, try await send("PUT", try path(of: node), body))
    }

    /// Others may be given the node again.
    package func unblock(_ node: String) async throws { _ = try await send("DELETE", try path(of: node)) }

    private func path(of node: String) throws(WireError) -> String {
        let allowed = node.utf8.allSatisfy {
            (0x30...0x3A).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
                || [0x2E, 0x5B, 0x5D].contains($0)
        }
        guard allowed, !node.isEmpty else {
            throw WireError(
                .invalidRequest,
                "'\(node)' is neither a peer's identity nor the ip:port of a node's pieces"
            )
        }
        return APIPath.block(of: node.replacing("[", with: "%5B").replacing("]", with: "%5D"))
    }

    private func send(_ method: String, _ path: String, _ body: [UInt8]? = nil) async throws -> [UInt8] {
        var request = TransferRequest(url: supernode.url + path, method: method, options: options)
        if let token { request.credentials["Authorization"] = "Bearer \(token)" }
        if let body {
            request.headers["Content-Type"] = "application/json"
            request.body = .bytes(body)
        }
        let (head, body) = try await answer(to: request)
        if (200..<300).contains(head.status) { return body }
        guard let error = try? JSONDecoder().decode(WireErrorBody.self, from: Data(body)).error,
            head.status != 404 || error.code == .unknownPeer
        else {
            throw noSupernode(answering: "\(head.status)")
        }
        guard error.code != .unauthenticated else {
            let fault =
                token == nil ? "only who knows the cluster's token may do that" : "the cluster's token is another one"
            throw WireError(error.code, "\(supernode): \(fault); name the file with it by --token-file")
        }
        throw WireError(error.code, "\(supernode): \(error.message)")
    }

    private func noSupernode(answering answer: String) -> WireError {
        WireError(.internalError, "\(supernode) answered \(answer): that is not the API of a supernode of this version")
    }

    private func answer(to request: TransferRequest) async throws(WireError) -> (TransferHead, [UInt8]) {
        do throws(TransferError) {
            let response = try await transport.send(request, limit: 256 << 20)
            return (response.head, response.body)
        } catch {
            throw WireError(.supernodeUnreachable, supernode.explanation(of: error, authority: "--cacert"))
        }
    }

    private func decode<Value: Decodable>(_: Value.Type, _ body: [UInt8]) throws(WireError) -> Value {
        do {
            return try JSONDecoder().decode(Value.self, from: Data(body))
        } catch {
            throw noSupernode(answering: "something else")
        }
    }
}
