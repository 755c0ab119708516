import HTTPService
import HTTPTypes
import Hummingbird
import Logging

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A listener with what its router says that it answers.
struct ServedListener: Sendable {
    /// Its tag in the description.
    let tag: String
    /// `METHOD /path`, with parameters in braces; HEAD goes without saying wherever GET is.
    let routes: Set<String>
    let service: HTTPListener
    private let socket: String?

    init(_ tag: String, _ router: Router<ServiceRequestContext>, socket: String? = nil) {
        self.tag = tag
        self.socket = socket
        let address = ListenAddress(socket.map { .unix(path: $0) } ?? .tcp(host: "127.0.0.1", port: 0))
        service = HTTPListener(
            name: tag,
            configuration: ListenerConfiguration(address: address),
            responder: router.buildResponder(),
            logger: quiet
        )
        let all = Set(router.routes.map { "\($0.method) \(Self.described($0.path))" })
        routes = all.filter { route in
            !route.hasPrefix("HEAD ") || !all.contains("GET" + route.dropFirst("HEAD".count))
        }
    }

    /// Where it can be reached: `http://host:port`, and its socket if that is a file.
    func place() async throws -> (url: String, socket: String?) {
        let port = try await service.bound().port
        return (port.map { "http://127.0.0.1:\($0)" } ?? "http://node", socket)
    }

    /// `/tasks/:task` is described as `/tasks/{task}`.
    private static func described(_ path: RouterPath) -> String {
        path.description.split(separator: "/").map { $0.hasPrefix(":") ? "/{\($0.dropFirst())}" : "/\($0)" }.joined()
    }
}
