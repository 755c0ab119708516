/// What is to be done to one file.
package struct FileChange: Sendable, Hashable {
    /// From the root.
    package let path: String
    /// Nil: there is no such file.
    package let before: String?
    /// Nil: the file goes.
    package let after: String?

    package init(path: String, before: String?, after: String?) {
        self.path = path
        self.before = before
        self.after = after
    }

    package var changes: Bool { before != after }

    /// As `patch` takes it.
    package var diff: String { changes ? UnifiedDiff.text(path, from: before, to: after) : "" }
}

/// What is to be done for one runtime.
package struct SetupPlan: Sendable, Hashable {
    /// All files that were looked at, in the order in which they are written.
    package var files: [FileChange] = []
    /// What somebody should know, in whole lines.
    package var notes: [String] = []
    /// What the runtime needs to take notice, in whole lines.
    package var next: [String] = []
    /// Who wants what in the file that several runtimes read, when this is done; nil: no such file is among ``files``.
    var users: FileUsers?

    package var changes: [FileChange] { files.filter(\.changes) }
}
