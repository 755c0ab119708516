package import BackendAPI
import Content
import Logging
import OriginFetch
import WireAPI

extension PeerEngine {
    /// What the origin says of a resource, such as a tag's manifest, now: in an answer to a request that began after this
    /// call.
    ///
    /// A supernode asks for all nodes; where none can be reached, or credentials would travel to it in the clear, this node asks
    /// itself.
    package func lookUp(_ resource: Resource, credentials: Credentials) async throws(DownloadError) -> ContentHead {
        let request = HeadRequest(url: resource.url, headers: resource.headers, credentials: credentials.headers)
        let now = ContinuousClock.now
        for connection in order(for: resource.taskID) where !connection.isAvoided(at: now) {
            guard credentials.isEmpty || configuration.mayCarryCredentials(to: connection.address) else { continue }
            do throws(SupernodeError) {
                let head = try await connection.lookUp(request).head
                inquiries.learn(head, of: resource, credentials: credentials)
                return head
            } catch {
                try goOn(after: error, at: connection)
            }
        }
        return try await lookUpHere(resource, credentials)
    }

    /// Throws where nobody else could answer otherwise.
    private func goOn(after error: SupernodeError, at connection: SupernodeConnection) throws(DownloadError) {
        switch error {
        case .cancelled: throw DownloadError(.cancelled, "cancelled")
        case .unreachable(let message, let isRefusal):
            logger.notice("supernode does not answer", metadata: ["error": "\(message)"])
            connection.avoid(isRefusal: isRefusal)
        case .refused(let error):
            guard !error.isOriginsWord else { throw error }
            logger.notice("supernode refused", metadata: ["error": "\(error.message)"])
        }
    }

    private func lookUpHere(_ resource: Resource, _ credentials: Credentials) async throws(DownloadError) -> ContentHead
    {
        let backend: any Backend
        do throws(BackendError) {
            backend = try backends.backend(for: resource.url)
        } catch {
            throw DownloadError(error)
        }
        guard connections.isEmpty || !backend.capabilities.contains(.nodeLocal) else {
            throw DownloadError(
                .supernodeUnreachable,
                "no supernode answers, and a file: URL names the supernode's files, not this node's"
            )
        }
        do throws(AccessFailure) {
            return try await inquiries.lookUp(resource, credentials: credentials)
        } catch {
            throw DownloadError(error)
        }
    }
}

extension PeerEngineConfiguration {
    /// Whether credentials for origins may travel to a supernode.
    func mayCarryCredentials(to address: SupernodeAddress) -> Bool {
        address.isConfidential || allowPlainCredentials
    }
}

extension WireError {
    /// Credentials are not sent to this supernode.
    static func tooPlain(_ address: SupernodeAddress) -> WireError {
        WireError(
            .sourceUnverified,
            "credentials would travel in the clear to \(address): name it https://, or set peer.allow_plain_credentials"
        )
    }

    /// Whether it is what the origin answered, or failed to: whoever else asks hears the same.
    ///
    /// What a supernode may not or can not ask, others may.
    fileprivate var isOriginsWord: Bool {
        detail["status"] != nil || [.originUnreachable, .originUnavailable, .originThrottled].contains(code)
    }

    /// Whether a supernode's refusal is about itself, so that another one or the origin may still do.
    var leavesOtherSupernodes: Bool {
        [
            .storageFull, .storageFailed, .internalError, .shuttingDown, .sourceUnverified, .unknownPeer,
            .unauthenticated, .unsupportedVersion,
        ]
        .contains(code)
    }
}
