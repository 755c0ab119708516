import BackendAPI
import CurlTransport
import HTTPBackend
import Logging

/// The backends that dfget has.
func plugins(_ transport: CurlTransport, _ options: TransferOptions, _ logger: Logger) -> [any BackendPlugin] {
    [HTTPPlugin(transport: transport, defaults: options)]
}
