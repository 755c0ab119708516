import BackendAPI
import Content

/// What registries said of tags last: a value, time is a parameter.
///
/// Who may have what a tag names is another matter: the engine asks for the manifest itself.
struct TagMemory: Sendable {
    /// A tag as a client asks for it.
    struct Key: Sendable, Hashable {
        let url: ResourceURL
        /// What the client accepts: a tag may name several manifests.
        let accept: String?
    }

    private struct Answer {
        let head: ContentHead
        let time: ContinuousClock.Instant
    }

    private let most: Int
    private var answers: [Key: Answer] = [:]
    /// How often something was forgotten because it changed.
    private(set) var changes = 0

    /// At most `most` tags are kept.
    init(most: Int = 4096) { self.most = max(1, most) }

    /// The registry has answered.
    mutating func remember(_ head: ContentHead, _ key: Key, at now: ContinuousClock.Instant) {
        if answers[key] == nil, answers.count >= most {
            let oldest = answers.sorted { $0.value.time < $1.value.time }.prefix(max(1, most / 4))
            for (key, _) in oldest { answers[key] = nil }
        }
        answers[key] = Answer(head: head, time: now)
    }

    /// What the tags at some URLs, or with some digest, name may have changed.
    mutating func forget(_ isMeant: (ResourceURL, Digest?) -> Bool) {
        changes += 1
        answers = answers.filter { !isMeant($0.key.url, $0.value.head.digest) }
    }

    /// The last answer, unless it is older than `age`; nil for `age`: however old.
    func answer(_ key: Key, within age: Duration?, at now: ContinuousClock.Instant) -> ContentHead? {
        guard let answer = answers[key] else { return nil }
        if let age, answer.time.duration(to: now) >= age { return nil }
        return answer.head
    }
}
