import BackendAPI

/// How long an origin's word on who may have what is believed.
package struct AccessTimes: Sendable {
    /// Without asking.
    package var asked: Duration
    /// While the origin can not be reached.
    package var unreachable: Duration

    package init(asked: Duration, unreachable: Duration) {
        self.asked = asked
        self.unreachable = unreachable
    }
}

/// What origins have said about who may read what, as far as it is remembered.
///
/// A pure value. Two kinds of facts make a permission: "these credentials may read this scope", and "this content belongs to
/// this scope". The second is the same for everybody: a layer is in a repository, or it is not.
struct AccessFacts: Sendable {
    private struct Right: Hashable {
        var scope: AccessScope
        var credential: CredentialKey
    }

    private struct Belonging: Hashable {
        var scope: AccessScope
        /// Nil: anything in the scope.
        var content: ContentKey?
    }

    private let times: AccessTimes
    private var rights: TimedMemory<Right>
    private var belongings: TimedMemory<Belonging>
    /// What whoever shows nothing was refused.
    private var closed: TimedMemory<Belonging>
    /// Origins that did not answer.
    private var silent = TimedMemory<String>(most: 1024)

    /// How long an origin that did not answer is not asked again about what would be allowed anyway, and about everything
    /// else once and not twice: a pull in an outage must not wait for each of its layers.
    private static let silence = Duration.seconds(10)

    /// The most facts of each kind.
    static let most = 1 << 15

    init(_ times: AccessTimes, most: Int = most) {
        self.times = times
        rights = TimedMemory(most: most)
        belongings = TimedMemory(most: most)
        closed = TimedMemory(most: most)
    }

    /// What is to be done about a claim.
    enum Decision: Equatable {
        case allow
        /// Ask the origin, with no credentials first or with the claim's own at once.
        case ask(anonymousFirst: Bool)
    }

    func decide(_ claim: AccessClaim, at now: ContinuousClock.Instant) -> Decision {
        if isGood(claim, within: times.asked, at: now) { return .allow }
        if let origin = claim.scope.origin, silent.isKnown(origin, within: Self.silence, of: now),
            isGood(claim, within: times.unreachable, at: now)
        {
            return .allow
        }
        return .ask(
            anonymousFirst: asksAnonymously(claim.scope, claim.content, for: claim.credential, at: now)
        )
    }

    /// Whether a claim holds while its origin can not be asked.
    func isGoodInOutage(_ claim: AccessClaim, at now: ContinuousClock.Instant) -> Bool {
        isGood(claim, within: times.unreachable, at: now)
    }

    /// Whether to ask without credentials before those that somebody shows: what everybody may have costs one question, and
    /// not one for each of a thousand tokens.
    ///
    /// Only in a repository: any other origin may have something else for whoever shows credentials.
    func asksAnonymously(
        _ scope: AccessScope,
        _ content: ContentKey? = nil,
        for credential: CredentialKey,
        at now: ContinuousClock.Instant
    ) -> Bool {
        guard scope.isRepository, credential != .anonymous else { return false }
        if let origin = scope.origin, silent.isKnown(origin, within: Self.silence, of: now) { return false }
        if isOpen(scope, at: now) { return true }
        let isClosed = [nil, content].contains {
            closed.isKnown(Belonging(scope: scope, content: $0), within: times.asked, of: now)
        }
        let isOwnKnown = rights.isKnown(Right(scope: scope, credential: credential), within: times.asked, of: now)
        return !isClosed && !isOwnKnown
    }

    /// Whether everybody is known to be allowed to read the scope.
    func isOpen(_ scope: AccessScope, at now: ContinuousClock.Instant) -> Bool {
        rights.isKnown(Right(scope: scope, credential: .anonymous), within: times.asked, of: now)
    }

    private func isGood(_ claim: AccessClaim, within age: Duration, at now: ContinuousClock.Instant) -> Bool {
        guard belongings.isKnown(Belonging(scope: claim.scope, content: claim.content), within: age, of: now)
        else { return false }
        let credentials = claim.scope.isRepository ? [claim.credential, .anonymous] : [claim.credential]
        return credentials.contains {
            rights.isKnown(Right(scope: claim.scope, credential: $0), within: age, of: now)
        }
    }
}

extension AccessFacts {
    /// The origin let these credentials read something of the scope.
    mutating func allow(_ credential: CredentialKey, _ scope: AccessScope, at time: ContinuousClock.Instant) {
        rights.note(Right(scope: scope, credential: credential), at: time)
        if credential == .anonymous { closed.forget(Belonging(scope: scope, content: nil)) }
        if let origin = scope.origin { silent.forget(origin) }
    }

    /// The origin said that the content is in the scope.
    mutating func place(_ content: ContentKey, in scope: AccessScope, at time: ContinuousClock.Instant) {
        belongings.note(Belonging(scope: scope, content: content), at: time)
    }

    /// An origin's no, or silence, to `credential`.
    ///
    /// `content`: what it was asked for, where that is known by its digest or is here; a name that does not exist says nothing of
    /// the rest of a repository.
    mutating func heed(
        _ error: BackendError,
        to credential: CredentialKey,
        _ scope: AccessScope,
        _ content: ContentKey?,
        at time: ContinuousClock.Instant
    ) {
        let right = Right(scope: scope, credential: credential)
        switch error.code {
        case .unauthorized, .forbidden:
            rights.forget(right)
            if credential == .anonymous { closed.note(Belonging(scope: scope, content: nil), at: time) }
        case .notFound:
            guard let content else { break }
            // Some registries do not admit that there is what they do not give.
            rights.forget(right)
            belongings.forget(Belonging(scope: scope, content: content))
            if credential == .anonymous { closed.note(Belonging(scope: scope, content: content), at: time) }
        case .unreachable, .timedOut:
            if let origin = scope.origin { silent.note(origin, at: time) }
        default: break
        }
    }
}
