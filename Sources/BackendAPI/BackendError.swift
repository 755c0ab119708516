/// Why an origin's content could not be had.
///
/// No message holds credentials.
public struct BackendError: Error, Sendable {
    /// What kind of failure it is.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Name: String {
            case notFound, unauthorized, forbidden, rangeNotSatisfiable, rangeNotSupported, changedAtOrigin, throttled
            case unavailable, unreachable, refused, closedEarly, protocolViolation, tls, timedOut, cancelled
            case unsupported, sinkFailed, invalidRequest, notShareable
        }

        private let name: Name

        /// The code's name, for logs and metrics.
        public var description: String { name.rawValue }

        /// The origin does not have it.
        public static let notFound = Code(name: .notFound)
        /// The origin wants (other) credentials; see ``BackendError/challenges``.
        public static let unauthorized = Code(name: .unauthorized)
        /// The origin does not let these credentials have it.
        public static let forbidden = Code(name: .forbidden)
        /// The range starts behind the end; see ``BackendError/length``.
        public static let rangeNotSatisfiable = Code(name: .rangeNotSatisfiable)
        /// This origin can only give the whole content.
        public static let rangeNotSupported = Code(name: .rangeNotSupported)
        /// The origin has another version than ``Condition/ifUnchanged(_:)`` named.
        public static let changedAtOrigin = Code(name: .changedAtOrigin)
        /// The origin asks to come back later; see ``BackendError/retryAfter``.
        public static let throttled = Code(name: .throttled)
        /// The origin answered that it is in trouble (5xx).
        public static let unavailable = Code(name: .unavailable)
        /// No connection: name resolution, routing, or nobody listens.
        public static let unreachable = Code(name: .unreachable)
        /// A rule of ours forbids it: an address, a path outside of the roots, a redirect to another scheme.
        public static let refused = Code(name: .refused)
        /// The content ended before its announced end.
        public static let closedEarly = Code(name: .closedEarly)
        /// The origin's answer makes no sense.
        public static let protocolViolation = Code(name: .protocolViolation)
        /// No trustworthy connection.
        public static let tls = Code(name: .tls)
        /// Connecting took too long, or the transfer stalled.
        public static let timedOut = Code(name: .timedOut)
        /// The calling task was cancelled.
        public static let cancelled = Code(name: .cancelled)
        /// This backend, or any, can not do that.
        public static let unsupported = Code(name: .unsupported)
        /// The sink threw ``BackendError/cause``.
        public static let sinkFailed = Code(name: .sinkFailed)
        /// The request makes no sense to the backend or to the origin (other 4xx).
        public static let invalidRequest = Code(name: .invalidRequest)
        /// The origin's answer is not for a shared cache, or is no content: whoever asked gets it from there himself.
        public static let notShareable = Code(name: .notShareable)
    }

    /// What kind of failure it is.
    public let code: Code
    /// In one line, for a person.
    public let message: String
    /// The values of `WWW-Authenticate`, to be handed on to a client.
    public let challenges: [String]
    /// The status of the origin's answer, where there was one.
    public let status: Int?
    /// How long the origin wants to be left alone.
    public let retryAfter: Duration?
    /// The content's length, where the origin told it along with the failure.
    public let length: Int64?
    /// What lies beneath.
    public let cause: (any Error)?

    /// A failure.
    public init(
        _ code: Code,
        _ message: String,
        challenges: [String] = [],
        status: Int? = nil,
        retryAfter: Duration? = nil,
        length: Int64? = nil,
        cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.challenges = challenges
        self.status = status
        self.retryAfter = retryAfter
        self.length = length
        self.cause = cause
    }

    /// Whether the same request may succeed later.
    public var isTransient: Bool {
        [.throttled, .unavailable, .unreachable, .closedEarly, .timedOut].contains(code)
    }
}

extension BackendError: CustomStringConvertible {
    /// The message.
    public var description: String { message }
}
