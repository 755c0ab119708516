internal import BackendAPI
internal import RegistryProtocol

extension BackendError {
    /// What it means that there was no token; `refusal` is the registry's 401 that asked for one.
    init(_ error: TokenError, after refusal: BackendError?) {
        let code: Code =
            switch error.code {
            case .refused: .unauthorized
            case .throttled: .throttled
            case .unreachable: error.status == nil ? .unreachable : .unavailable
            case .insecure: .refused
            case .cancelled: .cancelled
            default: .protocolViolation
            }
        self.init(
            code,
            error.message,
            challenges: code == .unauthorized ? refusal?.challenges ?? [] : [],
            status: code == .unauthorized ? 401 : nil,
            retryAfter: error.retryAfter,
            cause: error.cause ?? error
        )
    }
}
