import Crypto
import FoundationEssentials
import Logging
import NodeConfig
import Synchronization

/// The users of a proxy and their passwords, from a file that is read again when it has changed.
///
/// One `user:password` in a line; empty lines and lines that begin with `#` count for nothing.
final class ProxyUsers: Sendable {
    private struct State {
        var version: FileVersion?
        /// Digests of `user:password`: comparing them tells nothing by the time that it takes.
        var known: [SHA256Digest] = []
        /// Why the file can not be used.
        var fault: String?
    }

    private let path: String
    private let state = Mutex(State())

    init(file path: String) { self.path = path }

    /// The name of the user whose credentials a `Proxy-Authorization` (RFC 7617) has; nil where they are nobody's.
    ///
    /// Nobody's where the file can not be used any more; `logger` is told once why, and once when it is good again.
    func user(showing authorization: String?, logger: Logger? = nil) -> String? {
        guard let shown = authorization.flatMap(Self.credentials(of:)) else { return nil }
        let digest = SHA256.hash(data: shown)
        let isKnown = current(logger).reduce(false) { found, one in
            let isThisOne = one == digest
            return found || isThisOne
        }
        return isKnown ? String(decoding: shown.prefix { $0 != UInt8(ascii: ":") }, as: UTF8.self) : nil
    }

    private func current(_ logger: Logger?) -> [SHA256Digest] {
        let version = FileVersion(path: path)
        let (known, fault, hasChanged) = state.withLock { state in
            let before = state.fault
            if version == nil || version != state.version {
                (state.known, state.fault) = Self.contents(path)
                state.version = version
            }
            return (state.known, state.fault, state.fault != before)
        }
        if hasChanged, let fault {
            logger?.warning("users_file can not be used: nobody is let in", metadata: ["reason": "\(fault)"])
        } else if hasChanged {
            logger?.info("users_file can be used again", metadata: ["file": "\(path)"])
        }
        return known
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
    static func fault(ofFile path: String) -> String? { contents(path).fault }

    private static func contents(_ path: String) -> (known: [SHA256Digest], fault: String?) {
        do throws(Fault) {
            let known = try read(path)
            return (known, known.isEmpty ? "has no user: \(path)" : nil)
        } catch {
            return ([], error.text)
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
