import BackendAPI
package import Content

/// Content that is here, or on its way, for the question who may have it.
///
/// A pure value.
package struct HeldContent: Sendable {
    private let record: OriginRecord
    private let length: Int64?
    /// The source that brought the content, where that is known.
    private let bringer: Digest?
    let key: ContentKey

    /// `generation`: the version that `record` is about.
    ///
    /// `bringer`: the key of the source that brought it, where that is known.
    package init(
        _ record: OriginRecord,
        of task: TaskID,
        _ generation: Generation,
        length: Int64?,
        bringer: Digest? = nil
    ) {
        self.record = record
        self.length = length
        self.bringer = bringer
        let isNamed = record.digest.map { TaskID(content: $0) == task } ?? false
        key = ContentKey(task: task, generation: isNamed ? nil : generation)
    }

    /// Whether the task is named by the content's digest: it is the same for everybody.
    private var isNamed: Bool { key.generation == nil }

    /// Whether no origin needs to be asked: content that was fetched without credentials is everybody's; but an origin may
    /// have something else for whoever shows some, unless the content is named by its digest.
    func isOpen(to source: Source?) -> Bool {
        record.openAccess && (isNamed || source?.credentials.isEmpty ?? true)
    }

    /// Whether the word of the origin of `url` counts.
    ///
    /// Whoever brings a source chooses its origin, and it may be a server of his own that says yes to everything. So only
    /// these decide: the origin that the content came from, which has it to give anyway; and, for content named by its
    /// digest, a registry whose host the configuration names (`isConfigured`), asked for this very digest: somebody who runs
    /// the cluster vouches for it that it has what it says it has.
    func isDecided(by url: ResourceURL, isConfigured: Bool) -> Bool {
        if url.origin == record.url?.origin { return true }
        guard isConfigured, isNamed, AccessScope(repositoryOf: url) != nil else { return false }
        return ContentKey(namedBy: url) == key
    }

    /// Whether an origin's answer to `source` is about this very content.
    func isMeant(by head: ContentHead, to source: Source) -> Bool {
        // What has no name at all is meant only for the source that brought it.
        record.describes(head, length: length, unnamed: bringer == source.key)
    }
}
