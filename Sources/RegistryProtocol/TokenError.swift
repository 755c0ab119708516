/// Why a registry's token could not be had.
public struct TokenError: Error, Sendable {
    /// What kind of failure it is.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Name: String { case refused, throttled, unreachable, malformed, insecure, cancelled }

        private let name: Name

        /// The code's name.
        public var description: String { name.rawValue }

        /// The token server does not accept the credentials.
        public static let refused = Code(name: .refused)
        /// The token server asks to come back later.
        public static let throttled = Code(name: .throttled)
        /// The token server does not answer, or is in trouble.
        public static let unreachable = Code(name: .unreachable)
        /// The token server's answer holds no token.
        public static let malformed = Code(name: .malformed)
        /// Credentials of an `https` registry would have gone over plain `http`.
        public static let insecure = Code(name: .insecure)
        /// The calling task was cancelled.
        public static let cancelled = Code(name: .cancelled)
    }

    /// What kind of failure it is.
    public let code: Code
    /// In one line, for a person; without credentials.
    public let message: String
    /// The token server's status, where it answered.
    public let status: Int?
    /// How long it wants to be left alone.
    public let retryAfter: Duration?
    /// What the transport threw.
    public let cause: (any Error)?

    /// A failure.
    public init(
        _ code: Code,
        _ message: String,
        status: Int? = nil,
        retryAfter: Duration? = nil,
        cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.status = status
        self.retryAfter = retryAfter
        self.cause = cause
    }
}

extension TokenError {
    /// Whether it says that this token server is of no use, whoever asks: not that it refuses somebody, or is asked too often.
    var isAboutServer: Bool {
        switch code {
        case .refused: status == 404
        case .throttled, .cancelled: false
        default: true
        }
    }
}

extension TokenError: CustomStringConvertible {
    /// The message.
    public var description: String { message }
}
