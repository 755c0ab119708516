import FoundationEssentials
import Glibc

/// A directory of its own for what is only on its way.
struct TemporaryDirectory: Sendable {
    let path: String

    init() throws(ToolFailure) {
        let parent = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
        var template = Array("\(parent)/dfget-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw ToolFailure(.local, "no temporary directory below \(parent): \(String(cString: strerror(errno)))")
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Removes it with everything in it.
    func remove() { try? FileManager.default.removeItem(atPath: path) }
}
