import Content
package import HTTPService
import HTTPTypes
package import Hummingbird
package import PeerEngine
package import WireAPI

/// The API of a node's control socket: other processes of this machine download through the node.
///
/// The socket's file mode says who may: everybody who can connect has the rights of the node.
package struct NodeControlRoutes: Sendable {
    private let engine: PeerEngine
    private let description: NodeDescription
    private let downloads = DownloadTable()

    package init(engine: PeerEngine, description: NodeDescription) {
        self.engine = engine
        self.description = description
    }

    private static let bodyLimit = 1 << 20

    /// Adds `GET /api/v1/node`, `POST /api/v1/downloads` and `GET /api/v1/downloads/{id}`.
    package func add(to router: Router<ServiceRequestContext>) {
        router.get("/api/v1/node") { [description] _, _ in Response.json(description) }
        router.post("/api/v1/downloads") { request, _ in try await Self.answer { try await download(request) } }
        router.get("/api/v1/downloads/:id") { _, context in
            try await Self.answer {
                guard let id = context.parameters.get("id").flatMap({ PeerID($0) }),
                    let status = downloads.status(of: id)
                else { throw WireError(.unknownTask, "no such download") }
                return Response.json(status)
            }
        }
    }

    private func download(_ request: Request) async throws -> Response {
        let wanted = try DownloadRequest(try await request.json(NodeDownloadRequest.self, limit: Self.bodyLimit))
        let lease = DownloadLease(try await engine.download(wanted))
        let head = try await lease.download.head()
        let id = downloads.add(lease.download)
        return ContentAnswer(lease, head, id: id) { [downloads] in downloads.end($0, $1) }.response(to: request)
    }

    private static func answer(_ body: () async throws -> Response) async throws -> Response {
        do {
            return try await body()
        } catch let error as WireError {
            return .json(WireErrorBody(error.atNode), status: .init(code: error.code.status))
        }
    }
}
