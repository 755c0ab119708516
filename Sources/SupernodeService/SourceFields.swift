import BackendAPI
import Content
import WireAPI

extension WireError {
    /// Told to whoever only offers what nobody here wants now, or nobody can tell to be still current.
    static let notWanted = WireError(.unknownTask, "nobody here wants that task now; offer it again later")
}

/// What peers may send to origins through this supernode.
private enum SourceFields {
    /// Fields that are a right and not a choice of content: they belong into a request's credentials.
    static let secret = ["authorization", "proxy-authorization", "cookie"]
    /// Fields with which the content would not be what the URL names, or not the whole of it.
    static let own = [
        "connection", "content-length", "host", "if-match", "if-modified-since", "if-none-match", "if-range",
        "if-unmodified-since", "range", "te", "transfer-encoding", "upgrade",
    ]

    static func check(_ headers: HeaderFields, credentials: HeaderFields) throws(WireError) {
        guard !secret.contains(where: headers.contains) else {
            throw WireError(.invalidRequest, "credentials stand among the headers that select the content")
        }
        guard !own.contains(where: { headers.contains($0) || credentials.contains($0) }) else {
            throw WireError(.invalidRequest, "a header is among those that the supernode sets itself: \(own)")
        }
    }
}

extension HeadRequest {
    /// What is asked about, and with which right.
    func identify() throws(WireError) -> Source {
        try SourceFields.check(headers, credentials: credentials)
        return Source(
            resource: Resource(url: url, headers: headers),
            credentials: Credentials(headers: credentials)
        )
    }
}

extension TaskRegistrationRequest {
    /// The task it names, the digest that names it if one does, and the way to it.
    func identify() throws(WireError) -> (TaskID, Digest?, Source?) {
        // MD5 names nothing: whoever wants it checked does so. A wrong one would spoil the task for everybody else.
        let digest = digest.flatMap { $0.algorithm == .md5 ? nil : $0 }
        guard let url else {
            guard let digest else {
                throw WireError(.invalidRequest, "a task needs a URL or a digest that can name content")
            }
            return (TaskID(content: digest), digest, nil)
        }
        try SourceFields.check(headers, credentials: credentials)
        let resource = Resource(
            url: url,
            headers: headers,
            digest: digest,
            tag: tag,
            ignoredQuery: ignoredQuery,
            asSharedCache: asSharedCache == true
        )
        return (resource.taskID, digest, Source(resource: resource, credentials: Credentials(headers: credentials)))
    }
}
