package import AdmissionWebhook
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
        router { router in
            supernode.add(to: router)
            operations.add(to: router)
        }
    }

    /// A piece server, whoever's.
    package static func pieces(_ pieces: PieceRoutes) -> Router<ServiceRequestContext> {
        router { pieces.add(to: $0) }
    }

    /// dfdaemon's control socket.
    package static func control(_ node: NodeControlRoutes) -> Router<ServiceRequestContext> {
        router { node.add(to: $0) }
    }

    /// dfdaemon's health and metrics.
    package static func health(_ operations: OperationalRoutes) -> Router<ServiceRequestContext> {
        router { operations.add(to: $0) }
    }

    /// What kube-apiserver calls.
    package static func webhook(_ webhook: WebhookRoutes) -> Router<ServiceRequestContext> {
        router { webhook.add(to: $0) }
    }

    private static func router(
        _ add: (Router<ServiceRequestContext>) -> Void
    ) -> Router<ServiceRequestContext> {
        let router = Router<ServiceRequestContext>.api()
        add(router)
        router.addServerOptions()
        return router
    }
}
