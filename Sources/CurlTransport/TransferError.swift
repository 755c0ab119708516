/// Why a transfer did not come to its end.
///
/// Its texts never have credentials, nor the path or query of a URL.
public struct TransferError: Error, Sendable {
    /// The kinds of failure.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String {
            case cannotResolve, cannotConnect, addressRefused, tls, timedOut, tooSlow, closedEarly, cancelled
            case refusedBySink, tooManyRedirects, unsupported, tooLarge, protocolError, io, invalidRequest
            case rangeNotSatisfiable
        }

        private let value: Value
        private init(_ value: Value) { self.value = value }

        /// The name as it is written here.
        public var description: String { value.rawValue }

        /// The host's (or the proxy's) name has no address.
        public static let cannotResolve = Code(.cannotResolve)
        /// Nobody listens, no route, or the proxy refused.
        public static let cannotConnect = Code(.cannotConnect)
        /// The ``AddressPolicy`` forbids the address.
        public static let addressRefused = Code(.addressRefused)
        /// The handshake failed, or a certificate was not accepted.
        public static let tls = Code(.tls)
        /// The connect timeout or the total timeout has passed.
        public static let timedOut = Code(.timedOut)
        /// Slower than ``TransferOptions/lowSpeed`` allows.
        public static let tooSlow = Code(.tooSlow)
        /// The connection ended before the response was complete.
        public static let closedEarly = Code(.closedEarly)
        /// The task was cancelled, or the transport shut down.
        public static let cancelled = Code(.cancelled)
        /// The sink or the body's source threw; see ``TransferError/cause``.
        public static let refusedBySink = Code(.refusedBySink)
        /// More redirects than allowed.
        public static let tooManyRedirects = Code(.tooManyRedirects)
        /// A scheme that is not allowed, or something that libcurl can not do.
        public static let unsupported = Code(.unsupported)
        /// The body is larger than the limit of `send`.
        public static let tooLarge = Code(.tooLarge)
        /// The answer was not what the protocol has.
        public static let protocolError = Code(.protocolError)
        /// Reading or writing failed in this process or on its disk.
        public static let io = Code(.io)
        /// The request can not be sent as it is: a malformed URL, method or field.
        public static let invalidRequest = Code(.invalidRequest)
        /// A range of a file that begins behind its end.
        public static let rangeNotSatisfiable = Code(.rangeNotSatisfiable)
    }

    /// What kind of failure.
    public let code: Code
    /// The `CURLcode` where libcurl reported the failure.
    public let curlCode: Int32?
    /// One line for a person.
    public let message: String
    /// What the sink threw.
    public let cause: (any Error)?
    /// How much of the body the sink had taken.
    public internal(set) var bytesReceived: Int64

    /// A failure.
    public init(
        _ code: Code,
        _ message: String,
        curlCode: Int32? = nil,
        cause: (any Error)? = nil,
        bytesReceived: Int64 = 0
    ) {
        self.code = code
        self.message = message
        self.curlCode = curlCode
        self.cause = cause
        self.bytesReceived = bytesReceived
    }
}

extension TransferError: CustomStringConvertible {
    /// The message, libcurl's code and the cause.
    public var description: String {
        var text = message
        if let curlCode { text += " (libcurl \(curlCode))" }
        if let cause { text += ": \(cause)" }
        return text
    }
}
