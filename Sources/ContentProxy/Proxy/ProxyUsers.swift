import Crypto
import FoundationEssentials
import OriginTransfer
import Synchronization

/// The users of a proxy and their passwords, from a file that is read again when it has changed.
///
/// One `user:password` in a line; empty lines and lines that begin with `#` count for nothing.
final class ProxyUsers: Sendable {
    private struct State {
        var version: FileVersion?
        /// Digests of `user:password`: comparing them tells nothing by the time that it takes.
        var known: [SHA256Digest] = []
    }

    private let path: String
    private let state = Mutex(State())

    init(file path: String) { self.path = path }

    /// The name of the user whose credentials a `Proxy-Authorization` (RFC 7617) has; nil where they are nobody's.
    ///
    /// Nobody's where the file can not be read any more.
    func user(showing authorization: String?) -> String? {
        guard let shown = authorization.flatMap(Self.credentials(of:)) else { return nil }
        let digest = SHA256.hash(data: shown)
        let isKnown = current().reduce(false) { found, one in
            let isThisOne = one == digest
            return found || isThisOne
        }
        return isKnown ? String(decoding: shown.prefix { $0 != UInt8(ascii: ":") }, as: UTF8.self) : nil
    }

    private func current() -> [SHA256Digest] {
        let version = FileVersion(path: path)
        return state.withLock { state in
            if version == nil || version != state.version {
                state.known = (try? Self.read(path)) ?? []
                state.version = version
            }
            return state.known
        }
    }

    static func credentials(of authorization: String) -> [UInt8]? {
        let words = authorization.split(separator: " ", maxSplits: 1)
        guard words.count == 2, words[0].lowercased() == "basic",
            let bytes = Data(base64Encoded: String(words[1].drop { $0 == " " }))
        else { return nil }
        return Array(bytes)
    }

    // MARK: The file

    private struct Fault: Error { let text: String }

    /// Why the file can not be used, for a person; nil where it can.
    static func fault(ofFile path: String) -> String? {
        do throws(Fault) {
            guard try !read(path).isEmpty else { return "has no user: \(path)" }
            return nil
        } catch {
            return error.text
        }
    }

    private static func read(_ path: String) throws(Fault) -> [SHA256Digest] {
        guard let version = FileVersion(path: path), let bytes = FileManager.default.contents(atPath: path) else {
            throw Fault(text: "can not be read: \(path)")
        }
        guard version.isPrivate else {
            throw Fault(text: "holds passwords that others can read; run: chmod 600 \(path)")
        }
        var known: [SHA256Digest] = []
        for (index, line) in String(decoding: bytes, as: UTF8.self).split(
            omittingEmptySubsequences: false,
            whereSeparator: \.isNewline
        ).enumerated() where !line.isEmpty && !line.hasPrefix("#") {
            guard let colon = line.firstIndex(of: ":"), colon != line.startIndex else {
                throw Fault(text: "has a line \(index + 1) that is not user:password: \(path)")
            }
            known.append(SHA256.hash(data: Array(line.utf8)))
        }
        return known
    }
}
