import Content
import FoundationEssentials

/// What was done to one file, beside it as `<file>.darter-record`; its original is `<file>.darter-backup`.
struct SetupRecord: Sendable, Hashable, Codable {
    /// The mirror that the runtime was pointed to.
    var mirror: String
    /// Whether there was no such file before.
    var created: Bool
    /// What was written: as long as the file is that, its original can take its place.
    var written: Digest
    /// Directories that were made for it, from the root, the outer ones first.
    var directories: [String]
    /// Who wants what in a file that several runtimes read; nil in others.
    var users: FileUsers?

    static let ending = ".darter-record"
    static let backupEnding = ".darter-backup"

    init(mirror: String, created: Bool, written: Digest, directories: [String], users: FileUsers? = nil) {
        self.mirror = mirror
        self.created = created
        self.written = written
        self.directories = directories
        self.users = users
    }

    init?(_ text: String) {
        guard let record = try? JSONDecoder().decode(SetupRecord.self, from: Data(text.utf8)) else { return nil }
        self = record
    }

    var text: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) + "\n" } ?? ""
    }
}
