public import BackendAPI
import Content
public import CurlTransport

extension BackendError {
    /// What a transfer's failure means to whoever wanted content.
    public init(_ error: TransferError) {
        self.init(Self.code(of: error.code), error.message, cause: error.cause ?? error)
    }

    /// The same failure, with its message behind the resource's URL.
    func naming(_ url: ResourceURL, _ detail: String? = nil) -> BackendError {
        // The transport names the origin, which after a redirect is another one.
        let origin = "\(url.origin): "
        let told = message.hasPrefix(origin) ? String(message.dropFirst(origin.count)) : message
        return BackendError(
            code,
            "\(url.origin)\(url.path): \(told)\(detail.map { ": \($0)" } ?? "")",
            challenges: challenges,
            status: status,
            retryAfter: retryAfter,
            length: length,
            cause: cause
        )
    }

    private static func code(of code: TransferError.Code) -> Code {
        switch code {
        case .cannotResolve, .cannotConnect: .unreachable
        // The URL's own scheme was checked before: what is not allowed is where a redirect leads.
        case .addressRefused, .unsupported: .refused
        case .tls: .tls
        case .timedOut, .tooSlow: .timedOut
        case .closedEarly: .closedEarly
        case .cancelled: .cancelled
        case .refusedBySink: .sinkFailed
        case .io: .unavailable
        case .invalidRequest: .invalidRequest
        case .rangeNotSatisfiable: .rangeNotSatisfiable
        default: .protocolViolation
        }
    }
}
