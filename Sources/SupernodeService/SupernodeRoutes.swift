import Content
package import HTTPService
import HTTPTypes
package import Hummingbird
import WireAPI

/// The supernode's HTTP API.
package struct SupernodeRoutes: Sendable {
    private let supernode: Supernode
    private let pieces: HTTPListener

    /// `pieces`: the supernode's piece server.
    package init(_ supernode: Supernode, pieces: HTTPListener) {
        self.supernode = supernode
        self.pieces = pieces
    }

    private var bounds: Bounds { supernode.configuration.bounds }

    /// Adds the API's routes.
    package func add(to router: Router<ServiceRequestContext>) {
        router.post("/api/v1/peers") { request, context in
            try await Self.answer { try await register(request, context) }
        }
        router.post("/api/v1/peers/:peer/tasks") { request, context in
            try await Self.answer {
                let session = try session(request, context)
                let body = try await request.json(TaskRegistrationRequest.self, limit: bounds.registration)
                // In a task of its own: what joining takes on its way is not kept as long as the connection lasts.
                async let response = supernode.join(body, session)
                return .json(try await response)
            }
        }
        router.post("/api/v1/peers/:peer/heads") { request, context in
            try await Self.answer {
                let session = try session(request, context)
                let body = try await request.json(HeadRequest.self, limit: bounds.registration)
                return .json(try await supernode.lookUp(body, session))
            }
        }
        router.post("/api/v1/peers/:peer/exchange") { request, context in
            try await Self.answer {
                let session = try session(request, context)
                let body = try await request.json(ExchangeRequest.self, limit: bounds.exchange)
                return .json(try await supernode.exchange(body, session))
            }
        }
        router.delete("/api/v1/peers/:peer") { request, context in
            try await Self.answer {
                supernode.leave(try session(request, context))
                return Response(status: .noContent)
            }
        }
        router.post("/api/v1/objects") { request, context in
            try await Self.answer { .json(try await supernode.put(request.body, token: Self.bearer(request))) }
        }
        addBlocks(to: router)
        addListings(to: router)
    }

    private func addBlocks(to router: Router<ServiceRequestContext>) {
        router.put("/api/v1/peers/:peer/block") { request, context in
            try await Self.answer {
                try supernode.authorize(Self.bearer(request), from: context.remote.ip)
                let body = try await request.jsonIfAny(BlockRequest.self, limit: bounds.registration)
                return .json(try supernode.block(context.parameters.get("peer") ?? "", body ?? BlockRequest()))
            }
        }
        router.delete("/api/v1/peers/:peer/block") { request, context in
            try await Self.answer {
                try supernode.authorize(Self.bearer(request), from: context.remote.ip)
                try supernode.unblock(context.parameters.get("peer") ?? "")
                return Response(status: .noContent)
            }
        }
        router.get("/api/v1/blocks") { _, _ in Response.json(Listing(supernode.blockListings)) }
    }

    private func addListings(to router: Router<ServiceRequestContext>) {
        router.get("/api/v1/peers") { _, _ in
            Response.json(Listing(supernode.peerListings))
        }
        router.get("/api/v1/tasks") { _, _ in
            Response.json(Listing(supernode.tasks.all.map(\.listing)))
        }
        router.get("/api/v1/tasks/:task") { _, context in
            try await Self.answer {
                guard let id = context.parameters.get("task").flatMap({ TaskID($0) }),
                    let task = supernode.tasks.task(id)
                else {
                    throw WireError(.unknownTask, "no such task")
                }
                return .json(task.listing)
            }
        }
    }

    private func register(_ request: Request, _ context: ServiceRequestContext) async throws -> Response {
        guard let address = context.remote.ip else {
            throw WireError(.invalidRequest, "a peer registers over TCP")
        }
        let body = try await request.json(PeerRegistrationRequest.self, limit: bounds.registration)
        return .json(
            try supernode.register(
                body,
                from: address,
                token: Self.bearer(request),
                piecesPort: try await pieces.bound().port ?? 0,
                piecesTLS: pieces.speaksTLS
            ),
            status: .created
        )
    }

    private func session(_ request: Request, _ context: ServiceRequestContext) throws -> PeerSession {
        guard let peer = context.parameters.get("peer").flatMap({ PeerID($0) }) else {
            throw WireError(.invalidRequest, "not a peer's identity")
        }
        return try supernode.session(peer, presenting: Self.bearer(request))
    }

    private static func bearer(_ request: Request) -> String? {
        guard let value = request.headers[.authorization], value.lowercased().hasPrefix("bearer ") else { return nil }
        return String(value.dropFirst("bearer ".count))
    }

    private static func answer(_ body: () async throws -> Response) async throws -> Response {
        do {
            return try await body()
        } catch let error as WireError {
            return Response.json(WireErrorBody(error), status: .init(code: error.code.status))
        }
    }
}
