import CacheStore
import Content
import FoundationEssentials
import Glibc
import OriginFetch

/// What the origin said of the content of an unfinished output, kept beside it, so that the next run can ask for the rest
/// of the same version.
struct TargetNotes: Sendable {
    private struct Note: Codable {
        var generation: Generation
        var record: OriginRecord
    }

    private let path: String?

    /// The notes of the output `target`; none where its name is too long for another one beside it.
    init(target given: String) {
        let target = (try? TargetFile.resolved(given)) ?? given
        let slash = target.lastIndex(of: "/").map { target.index(after: $0) } ?? target.startIndex
        let name = target[slash...]
        path = name.utf8.count <= 240 ? "\(target[..<slash]).\(name).darter.origin" : nil
    }

    /// Nil unless they are of this generation.
    func record(of generation: Generation) -> OriginRecord? {
        guard let path, let data = FileManager.default.contents(atPath: path),
            let note = try? JSONDecoder().decode(Note.self, from: data), note.generation == generation
        else { return nil }
        return note.record
    }

    /// Without them the next run starts anew, so that failing to write them is no failure.
    func write(_ record: OriginRecord, of generation: Generation) {
        guard let path, let data = try? JSONEncoder().encode(Note(generation: generation, record: record)) else {
            return
        }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        _ = data.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    }

    func remove() {
        if let path { unlink(path) }
    }
}
