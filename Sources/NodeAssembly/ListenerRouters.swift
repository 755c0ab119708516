package import HTTPService
package import Hummingbird
package import NodeControl
package import PieceServer
package import SupernodeService

/// What each listener of the daemons answers: the operations that `docs/openapi.yaml` describes, each under the listener's
/// tag.
package enum ListenerRouters {
    /// A supernode's API.
    package static func api(
        _ supernode: SupernodeRoutes,
        _ operations: OperationalRoutes
    ) -> Router<ServiceRequestContext> {
        let router = Router<ServiceRequestContext>.api()
        supernode.add(to: router)
        operations.add(to: router)
        return router
    }

    /// A piece server, whoever's.
    package static func pieces(_ pieces: PieceRoutes) -> Router<ServiceRequestContext> {
        let router = Router<ServiceRequestContext>.api()
        pieces.add(to: router)
        return router
    }

    /// dfdaemon's control socket.
    package static func control(_ node: NodeControlRoutes) -> Router<ServiceRequestContext> {
        let router = Router<ServiceRequestContext>.api()
        node.add(to: router)
        return router
    }

    /// dfdaemon's health and metrics.
    package static func health(_ operations: OperationalRoutes) -> Router<ServiceRequestContext> {
        let router = Router<ServiceRequestContext>.api()
        operations.add(to: router)
        return router
    }
}
