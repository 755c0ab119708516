package import BackendAPI
import Content
import RateLimiting
import Synchronization

/// Why an inquiry came to nothing, or to a no.
package enum AccessFailure: Error, Sendable {
    /// The source can not prove anything about the content that is here.
    case unproven
    /// For these credentials the origin has other content.
    case otherContent
    /// The origin's no, or its silence.
    case origin(BackendError)
    /// It would have to wait for too long.
    case busy(String)
}

/// Asks origins, for everybody in this process, who may have what and what a name stands for now, and remembers what they
/// said of rights.
///
/// No credentials are kept beyond the question: only what tells them apart.
package final class OriginInquiries: Sendable {
    /// One request, whoever's it is.
    struct Question: Hashable, Sendable {
        /// URL and selecting headers.
        let resource: TaskID
        let credential: CredentialKey

        init(_ source: Source) {
            resource = TaskID(url: source.resource.url.text, headers: source.resource.headers)
            credential = CredentialKey(source.credentials)
        }
    }

    typealias Questions = SharedQuestions<Question, Result<ContentHead, BackendError>>

    let times: AccessTimes
    let backends: BackendRegistry
    let now: @Sendable () -> ContinuousClock.Instant
    let facts: Mutex<AccessFacts>
    private let permissions: Questions
    let lookups: Questions

    /// How often at most the same name is looked up.
    private static let lookupInterval = Duration.milliseconds(250)
    /// Different questions at a time; whoever has another one asks elsewhere.
    private static let mostQuestions = 16_384
    /// How long a question waits for its turn among the requests to its origin, where somebody calls ``tick(at:)``.
    private static let patience = Duration.seconds(15)

    /// `jobs` runs the requests.
    package init(
        _ times: AccessTimes,
        backends: BackendRegistry,
        jobs: BackgroundJobs,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        self.times = times
        self.backends = backends
        self.now = now
        facts = Mutex(AccessFacts(times))
        permissions = Questions(.shared, most: Self.mostQuestions, jobs: jobs, now: now)
        lookups = Questions(.strict(every: Self.lookupInterval), most: Self.mostQuestions, jobs: jobs, now: now)
    }

    /// How many requests wait for their turn.
    package var queued: Int { permissions.queued + lookups.queued }

    /// How many wait for an answer.
    package var waiting: Int { permissions.waiting + lookups.waiting }

    /// Does what is due at `now`: who waits for long is sent elsewhere.
    package func tick(at now: ContinuousClock.Instant) {
        for questions in [permissions, lookups] { questions.giveUpQueued(at: now, after: Self.patience) }
    }

    func ask(_ source: Source, among questions: Questions) async throws(AccessFailure) -> ContentHead {
        let backends = backends
        let outcome = await questions.answer(Question(source)) { begun in
            await Self.head(of: source, from: backends, begun)
        }
        switch outcome {
        case .answer(.success(let head)): return head
        case .answer(.failure(let error)): throw .origin(error)
        case .cancelled: throw .origin(BackendError(.cancelled, "cancelled"))
        case .full: throw .busy("as many questions to origins are under way as there may be")
        case .overdue:
            throw .busy("all connections to the origin are in use, and it has to be asked about these credentials")
        }
    }

    private static func head(
        of source: Source,
        from backends: BackendRegistry,
        _ begun: @escaping @Sendable () -> Void
    ) async -> Result<ContentHead, BackendError> {
        do throws(BackendError) {
            let backend = try backends.backend(for: source.resource.url)
            var request = OriginRequest(resource: source.resource, credentials: source.credentials)
            guard let connections = backend.connections(to: source.resource.url) else {
                begun()
                return .success(try await backend.head(request))
            }
            request.holdsConnection = true
            let asked = request
            let cancelled = BackendError(.cancelled, "cancelled")
            let head = try await connections.run(cancelled: cancelled) { () async throws(BackendError) in
                begun()
                return try await backend.head(asked)
            }
            return .success(head)
        } catch {
            return .failure(error)
        }
    }
}

// MARK: - Who may have what is here

extension OriginInquiries {
    /// Throws where `source` does not show that it may have the content.
    ///
    /// `inOutage`: the origin can not be asked. `content`: what is here now; an answer is compared with what is here when it
    /// comes.
    package func permit(
        _ source: Source?,
        inOutage: Bool = false,
        _ content: @Sendable () -> HeldContent?
    ) async throws(AccessFailure) {
        guard let held = content() else { throw .unproven }
        if held.isOpen(to: source) { return }
        guard let source, let claim = claim(source, held) else { throw .unproven }
        switch facts.withLock({ $0.decide(claim, at: now()) }) {
        case .allow: return
        case .ask where inOutage:
            guard facts.withLock({ $0.isGoodInOutage(claim, at: now()) }) else {
                throw .origin(BackendError(.unreachable, "\(source.resource.url.origin) can not be asked"))
            }
            return
        case .ask(anonymousFirst: true):
            do throws(AccessFailure) {
                return try await ask(Source(resource: source.resource), claim, content)
            } catch {
                guard error.leavesOwnCredentials else { throw error }
            }
        case .ask(anonymousFirst: false): break
        }
        do throws(AccessFailure) {
            try await ask(source, claim, content)
        } catch {
            guard case .origin(let failure) = error, failure.isTransient,
                facts.withLock({ $0.isGoodInOutage(claim, at: now()) })
            else { throw error }
        }
    }

    /// Whether content that is here may be given to who brings `source`, as far as that is known without asking.
    package func permitsAtOnce(_ source: Source?, _ held: HeldContent) -> Bool {
        if held.isOpen(to: source) { return true }
        guard let source, let claim = claim(source, held) else { return false }
        guard case .allow = facts.withLock({ $0.decide(claim, at: now()) }) else { return false }
        return true
    }

    /// The origin has given the content to this source.
    ///
    /// `heard`: how long ago that was at most.
    package func learn(_ source: Source, _ held: HeldContent, heard age: Duration = .zero) {
        let scope = AccessScope(source.resource.url, held.key)
        let now = now()
        facts.withLock { facts in
            facts.allow(CredentialKey(source.credentials), scope, at: now - age)
            facts.place(held.key, in: scope, at: now)
        }
    }

    /// What `source` has to show; nil where nothing that its origin says counts.
    private func claim(_ source: Source, _ held: HeldContent) -> AccessClaim? {
        let url = source.resource.url
        guard held.isDecided(by: url, isConfigured: backends.names(url)) else { return nil }
        return AccessClaim(
            scope: AccessScope(url, held.key),
            content: held.key,
            credential: CredentialKey(source.credentials)
        )
    }

    /// `claim`: whose question it is; `source` may show fewer credentials than he has.
    private func ask(
        _ source: Source,
        _ claim: AccessClaim,
        _ content: @Sendable () -> HeldContent?
    ) async throws(AccessFailure) {
        let head: ContentHead
        do throws(AccessFailure) {
            head = try await ask(source, among: permissions)
        } catch {
            if case .origin(let failure) = error {
                let asked = CredentialKey(source.credentials)
                facts.withLock { $0.heed(failure, to: asked, claim.scope, claim.content, at: now()) }
            }
            throw error
        }
        // It may be another one by now.
        guard let held = content(), let asked = self.claim(source, held) else { throw .unproven }
        let isMeant = held.isMeant(by: head, to: source)
        facts.withLock { facts in
            let now = now()
            if isMeant || asked.scope.isRepository { facts.allow(asked.credential, asked.scope, at: now) }
            if isMeant { facts.place(asked.content, in: asked.scope, at: now) }
        }
        guard isMeant else { throw .otherContent }
    }
}

extension AccessFailure {
    /// Whether, where it is an answer to nobody in particular, the answer to somebody's own credentials may be another: even
    /// silence may be that of a token server that they do not need.
    var leavesOwnCredentials: Bool {
        switch self {
        case .otherContent: true
        case .origin(let error): error.code != .cancelled
        case .unproven, .busy: false
        }
    }
}
