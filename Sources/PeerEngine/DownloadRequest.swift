package import BackendAPI
package import CacheStore
package import Content
package import OriginFetch
package import WireAPI

/// What a client wants to have on this node.
package struct DownloadRequest: Sendable {
    /// Where the content is; nil where only its digest is known and a supernode holds it.
    package var resource: Resource?
    /// The content's digest, where the resource does not say it.
    package var digest: Digest?
    package var credentials: Credentials
    package var pattern: NodePattern
    /// Never go to the origin from this node.
    package var notBackToSource: Bool

    package init(
        resource: Resource?,
        digest: Digest? = nil,
        credentials: Credentials = Credentials(),
        pattern: NodePattern = .p2p,
        notBackToSource: Bool = false
    ) {
        self.resource = resource
        self.digest = digest ?? resource?.digest
        self.credentials = credentials
        self.pattern = pattern
        self.notBackToSource = notBackToSource
    }

    /// The task it belongs to; nil if it names nothing.
    package var taskID: TaskID? { resource?.taskID ?? digest.map { TaskID(content: $0) } }
}

/// Where a download's pieces go on this node.
package protocol DownloadDestination: FetchDestination {
    /// The file of one generation: what is there of it already, or room for it.
    func open(_ record: OriginRecord, generation: Generation, layout: PieceLayout) throws(StoreError) -> PieceFile

    /// Whether a complete download holds on to its file; otherwise it can be had again through ``complete()``.
    var keepsFile: Bool { get }

    /// A complete earlier version, to be revalidated.
    func complete() -> (file: PieceFile, record: OriginRecord)?

    /// All pieces are committed.
    ///
    /// `expected`: digests that the content has.
    /// `verified`: whether that has been made sure of; otherwise the content is hashed.
    func finish(_ file: PieceFile, expected: [Digest], verified: Bool) async throws(StoreError)
}

/// Why a download failed, and what to do next.
package struct DownloadError: Error, Sendable, CustomStringConvertible {
    /// What a program does about it.
    package enum Code: Sendable, Hashable {
        case notFound
        case unauthorized
        case forbidden
        /// No backend serves it, its address is not allowed, or supernodes do not take this node.
        case refused
        /// The origin, or every supernode, can not be reached or fails.
        case unavailable
        case throttled
        case digestMismatch
        /// The disk is full or the quota too small.
        case storageFull
        /// Any other trouble with this node's files.
        case storage
        case cancelled
        case other
    }

    package let code: Code
    /// For a person; without credentials.
    package let message: String
    /// `WWW-Authenticate` values of the origin.
    package let challenges: [String]

    package init(_ code: Code, _ message: String, challenges: [String] = []) {
        self.code = code
        self.message = message
        self.challenges = challenges
    }

    package var description: String { message }
}

extension DownloadError {
    init(_ error: WireError) {
        let code: Code =
            switch error.code {
            case .originNotFound: .notFound
            case .originUnauthorized: .unauthorized
            case .originForbidden: .forbidden
            case .sourceRefused, .sourceUnverified, .invalidRequest, .unauthenticated, .unsupportedVersion: .refused
            case .originUnavailable: .unavailable
            case .originThrottled: .throttled
            case .digestMismatch: .digestMismatch
            case .storageFull: .storageFull
            default: .other
            }
        self.init(code, error.message, challenges: error.detail["challenge"].map { [$0] } ?? [])
    }

    init(_ error: FetchError) {
        switch error {
        case .origin(let error): self.init(error)
        case .store(let error): self.init(error)
        case .cancelled: self.init(.cancelled, "cancelled")
        }
    }

    package init(_ error: BackendError) {
        let code: Code =
            switch error.code {
            case .notFound: .notFound
            case .unauthorized: .unauthorized
            case .forbidden: .forbidden
            case .refused, .invalidRequest, .unsupported: .refused
            case .throttled: .throttled
            case .cancelled: .cancelled
            default: .unavailable
            }
        self.init(code, error.message, challenges: error.challenges)
    }

    package init(_ error: StoreError) {
        let code: Code =
            switch error.code {
            case .diskFull, .quotaExceeded: .storageFull
            case .digestMismatch, .contentMismatch: .digestMismatch
            case .cancelled: .cancelled
            default: .storage
            }
        self.init(code, error.message)
    }
}
