import BackendAPI
import Content

/// What registries said of tags, and to whom: a value, time is a parameter.
struct TagMemory: Sendable {
    /// A tag as a client asks for it.
    struct Key: Sendable, Hashable {
        let url: ResourceURL
        /// What the client accepts: a tag may name several manifests.
        let accept: String?
    }

    /// One answer.
    struct Answer: Sendable {
        let head: ContentHead
        let time: ContinuousClock.Instant
    }

    private struct Entry {
        var answer: Answer
        /// When each was last told it, by a hash of the credentials.
        var told: [Digest: ContinuousClock.Instant] = [:]
    }

    private let most: Int
    private let mostTold: Int
    private var entries: [Key: Entry] = [:]

    /// At most `most` tags are kept, and for each at most `mostTold` who have been told of it.
    init(most: Int = 4096, mostTold: Int = 256) {
        self.most = most
        self.mostTold = mostTold
    }

    /// The registry has answered whoever has these credentials.
    mutating func remember(_ head: ContentHead, _ key: Key, _ credentials: Credentials, at now: ContinuousClock.Instant)
    {
        if entries[key] == nil, entries.count >= most {
            let oldest = entries.sorted { $0.value.answer.time < $1.value.answer.time }.prefix(max(1, most / 4))
            for (key, _) in oldest { entries[key] = nil }
        }
        var entry = entries[key] ?? Entry(answer: Answer(head: head, time: now))
        // What was said of another manifest says nothing of this one.
        if entry.answer.head.digest != head.digest { entry.told = [:] }
        entry.answer = Answer(head: head, time: now)
        if entry.told.count >= mostTold { entry.told = [:] }
        entry.told[Self.key(credentials)] = now
        entries[key] = entry
    }

    /// The last answer, where whoever has these credentials was told it himself within `time`.
    ///
    /// What somebody without credentials was told is for everybody.
    func answer(
        _ key: Key,
        _ credentials: Credentials,
        within time: Duration,
        at now: ContinuousClock.Instant
    ) -> Answer? {
        guard let entry = entries[key], time > .zero else { return nil }
        let told = [entry.told[Self.key(credentials)], entry.told[Self.key(Credentials())]].compactMap { $0 }.max()
        guard let told, told.duration(to: now) < time else { return nil }
        return entry.answer
    }

    private static func key(_ credentials: Credentials) -> Digest {
        var hasher = DigestHasher()
        for field in credentials.headers {
            hasher.update(Array("\(field.name.lowercased()):\(field.value.utf8.count):\(field.value)".utf8))
        }
        return hasher.finalize()
    }
}
