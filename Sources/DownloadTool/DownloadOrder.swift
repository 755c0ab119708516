package import BackendAPI
package import Content
package import PeerEngine
package import WireAPI

/// One download, as it was ordered and found to make sense.
package struct DownloadOrder: Sendable {
    /// Nil where only a digest is given.
    package let resource: Resource?
    package let credentials: Credentials
    package let output: OutputPlace
    /// What the content is checked against on this machine, whoever else does it.
    package let digests: [Digest]
    package let pattern: NodePattern
    package let notBackToSource: Bool

    /// Throws a usage failure where something can not be meant so.
    package init(_ arguments: DownloadArguments) throws(ToolFailure) {
        let digest = try Self.digest(arguments.digest)
        let md5 = try Self.md5(arguments.md5)
        digests = [digest, md5].compactMap { $0 }
        var headers = RequestHeaders()
        for line in arguments.headers { try headers.add(line) }
        guard arguments.url != nil || digest.map({ $0.algorithm != .md5 }) ?? false else {
            throw ToolFailure(.usage, "what to fetch? Give a URL, or --digest sha256:... alone")
        }
        let url = try arguments.url.map { text throws(ToolFailure) in try Self.url(text) }
        let naming = digest?.algorithm == .md5 ? nil : digest
        resource = url.map {
            Resource(
                url: $0,
                headers: headers.selecting,
                digest: naming,
                tag: arguments.identifier,
                ignoredQuery: Self.names(arguments.filter ?? "")
            )
        }
        credentials = try Self.credentials(headers.credentials, url)
        output = try OutputPlace(arguments.output, for: url)
        pattern = try Self.pattern(arguments.pattern)
        notBackToSource = arguments.notBackToSource
        guard !(notBackToSource && pattern == .source) else {
            throw ToolFailure(.usage, "--notbs contradicts --pattern source")
        }
    }

    /// The digest that names the content; nil where only its URL does.
    package var digest: Digest? { digests.first { $0.algorithm != .md5 } }

    /// What the engine is asked for.
    package var request: DownloadRequest {
        DownloadRequest(
            resource: resource,
            digest: digest,
            credentials: credentials,
            pattern: pattern,
            notBackToSource: notBackToSource
        )
    }

    /// What a dfdaemon is asked for.
    package var nodeRequest: NodeDownloadRequest {
        NodeDownloadRequest(
            url: resource?.url,
            digest: digest,
            tag: resource?.tag,
            ignoredQuery: resource?.ignoredQuery ?? [],
            headers: resource?.headers ?? [:],
            credentials: credentials.headers,
            pattern: pattern,
            notBackToSource: notBackToSource
        )
    }
}

extension DownloadOrder {
    private static func url(_ text: String) throws(ToolFailure) -> ResourceURL {
        // A malformed URL may hold a password: it is not repeated.
        guard let url = ResourceURL(text) else {
            throw ToolFailure(.usage, "that is no absolute URL such as https://host/path")
        }
        return url
    }

    private static func digest(_ text: String?) throws(ToolFailure) -> Digest? {
        guard let text else { return nil }
        guard let digest = Digest(text) else {
            throw ToolFailure(
                .usage,
                "--digest wants sha256:, sha512: or md5: and lower-case hex digits, not '\(text)'"
            )
        }
        return digest
    }

    private static func md5(_ text: String?) throws(ToolFailure) -> Digest? {
        guard let text else { return nil }
        guard let digest = Digest("md5:" + text.lowercased()) else {
            throw ToolFailure(.usage, "--md5 wants 32 hex digits, not '\(text)'")
        }
        return digest
    }

    private static func pattern(_ text: String?) throws(ToolFailure) -> NodePattern {
        guard let text else { return .p2p }
        guard let pattern = NodePattern(rawValue: text) else {
            throw ToolFailure(.usage, "--pattern is p2p, cdn or source, not '\(text)'")
        }
        return pattern
    }

    /// `a&b` as with Dragonfly, or `a,b`.
    private static func names(_ filter: String) -> [String] {
        filter.split { $0 == "&" || $0 == "," }.map(String.init)
    }

    private static func credentials(_ fields: HeaderFields, _ url: ResourceURL?) throws(ToolFailure) -> Credentials {
        guard let userInfo = url?.userInfo, !userInfo.isEmpty else { return Credentials(headers: fields) }
        guard !fields.contains("Authorization") else {
            throw ToolFailure(.usage, "the URL has a user, and --header gives an Authorization: which one?")
        }
        guard var all = Credentials(userInfo: userInfo)?.headers else {
            throw ToolFailure(.usage, "the user in the URL is malformed")
        }
        all.append(contentsOf: fields)
        return Credentials(headers: all)
    }
}
