import BackendAPI
import OriginFetch
import WireAPI

extension Supernode {
    /// What a name stands for at its origin now: many nodes that ask at the same time cost a few requests.
    func lookUp(_ request: HeadRequest, _ session: PeerSession) async throws(WireError) -> HeadResponse {
        try refuseWhenStopping()
        let source = try request.identify()
        return try await session.answer { () async throws(WireError) in
            do throws(AccessFailure) {
                return HeadResponse(
                    try await inquiries.lookUp(source.resource, credentials: source.credentials)
                )
            } catch {
                throw WireError(error).atSupernode
            }
        }
    }
}
