import CurlTransport
import HTTPService
import HTTPTypes

extension APIError {
    /// The code of an error that says that the fault is in the client's own body.
    static let brokenBody = "broken_body"

    /// What a client is told of an upstream that gave no answer: why, and what can be done.
    init(upstream error: TransferError) {
        guard !(error.cause is RelayBody.BrokenBody) else {
            self.init(.badRequest, Self.brokenBody, "the request's body is broken, or ends before it is complete")
            return
        }
        let (code, advice) = Self.explanation(of: error.code)
        self.init(
            code,
            error.code == .tls ? "upstream_untrusted" : "upstream_unavailable",
            "the upstream can not be reached: \(error.message)",
            detail: advice.map { ["advice": $0] } ?? [:]
        )
    }

    private static func explanation(of code: TransferError.Code) -> (HTTPResponse.Status, String?) {
        switch code {
        case .timedOut, .tooSlow:
            (.gatewayTimeout, "it did not answer in time: try again, or see whether this machine's way to it is open")
        case .cannotResolve: (.badGateway, "see whether the name is right and this machine can resolve it")
        case .cannotConnect: (.badGateway, "see whether it runs and this machine's way to it is open")
        case .tls:
            (
                .badGateway,
                "its certificate is not trusted here: name its authority (ca_file) in the configuration of dfdaemon"
            )
        case .addressRefused:
            (.forbidden, "dfdaemon connects to such addresses only where origin.allow_addresses says so")
        case .invalidRequest: (.badRequest, nil)
        default: (.badGateway, "try again")
        }
    }
}
