import Content
import CurlTransport
import NodeControl
import Testing
import WireAPI

/// Calls of a node's control socket.
extension DescribedServers {
    func checkControl() async throws {
        try putObjects()
        let path = APIPath.downloads
        try await call(DescribedCall("GET", APIPath.node), at: control)
        let whole = try await call(try DescribedCall("POST", path, json: download(Self.url)), at: control)
        #expect(whole.body.count == Self.length)
        let tag = try #require(whole.head.fields["ETag"])
        let id = try #require(whole.head.fields[NodeField.download])
        let range: HeaderFields = ["Range": "bytes=5-9", "If-Range": tag]
        for call in [
            try DescribedCall("POST", path, range, json: download(Self.url), status: 206),
            try DescribedCall("POST", path, ["If-None-Match": tag], json: download(Self.url), status: 304),
            try DescribedCall("POST", path, ["If-Match": "\"x\""], json: download(Self.url), status: 412),
            try DescribedCall("POST", path, ["Range": "bytes=\(Self.length)-"], json: download(Self.url), status: 416),
            DescribedCall("POST", path, body: Array("[]".utf8), status: 400, code: "bad_request"),
            DescribedCall("POST", path, body: Self.large, status: 413, code: "too_large"),
            DescribedCall("GET", "\(path)/\(id)"),
            DescribedCall("GET", "\(path)/\(PeerID())", status: 404, code: "unknown_task"),
        ] { try await self.call(call, at: control) }
        for (url, status, code) in Self.refusals {
            try await call(
                try DescribedCall("POST", path, json: download(url), status: status, code: code),
                at: control
            )
        }
    }

    private func download(_ url: String) -> NodeDownloadRequest {
        NodeDownloadRequest(
            url: ResourceURL(url),
            digest: nil,
            tag: nil,
            ignoredQuery: [],
            headers: [:],
            credentials: [:],
            pattern: .p2p,
            notBackToSource: false
        )
    }
}
