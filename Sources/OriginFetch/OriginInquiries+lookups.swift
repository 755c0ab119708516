package import BackendAPI
import Content
import Synchronization

/// What a name, such as a tag, stands for at its origin now.
extension OriginInquiries {
    /// What the origin says of the resource, in an answer to a request that began after this call.
    ///
    /// Those who want to know the same at the same time share requests, of which there are a few a second; in a repository that
    /// everybody may read, whatever credentials they show.
    package func lookUp(_ resource: Resource, credentials: Credentials) async throws(AccessFailure) -> ContentHead {
        let source = Source(resource: resource, credentials: credentials)
        guard let scope = AccessScope(repositoryOf: resource.url) else { return try await ask(source, among: lookups) }
        let (asksAnonymously, isOpen) = facts.withLock { facts in
            let now = now()
            return (
                facts.asksAnonymously(scope, for: CredentialKey(credentials), at: now), facts.isOpen(scope, at: now)
            )
        }
        guard asksAnonymously else { return try await lookUp(source, scope) }
        do throws(AccessFailure) {
            return try await lookUp(Source(resource: resource), scope)
        } catch {
            // Where everybody may read, what is not there is there for nobody.
            if case .origin(let error) = error, error.code == .notFound, isOpen { throw .origin(error) }
            guard error.leavesOwnCredentials else { throw error }
        }
        return try await lookUp(source, scope)
    }

    /// The origin, asked by somebody else just now, has said this to these credentials.
    package func learn(_ head: ContentHead, of resource: Resource, credentials: Credentials) {
        guard let scope = AccessScope(repositoryOf: resource.url) else { return }
        learn(head, CredentialKey(credentials), scope)
    }

    private func lookUp(_ source: Source, _ scope: AccessScope) async throws(AccessFailure) -> ContentHead {
        let credential = CredentialKey(source.credentials)
        let head: ContentHead
        do throws(AccessFailure) {
            head = try await ask(source, among: lookups)
        } catch {
            if case .origin(let error) = error {
                let content = ContentKey(namedBy: source.resource.url)
                facts.withLock { $0.heed(error, to: credential, scope, content, at: now()) }
            }
            throw error
        }
        learn(head, credential, scope)
        return head
    }

    private func learn(_ head: ContentHead, _ credential: CredentialKey, _ scope: AccessScope) {
        facts.withLock { facts in
            let now = now()
            facts.allow(credential, scope, at: now)
            // It counts only where the origin's word on this very content does: another's content can be named by anybody.
            if let digest = head.digest, digest.algorithm != .md5 {
                facts.place(ContentKey(digest), in: scope, at: now)
            }
        }
    }
}
