internal import FoundationEssentials
public import NodeConfig
internal import Synchronization

/// A secret from the configuration, or from a file that somebody may renew at any time.
public final class SecretSource: Sendable {
    private static let longest = 64 << 10

    private let path: String?
    private let last: Mutex<Secret>

    /// A secret that does not change.
    public init(_ secret: Secret) {
        path = nil
        last = Mutex(secret)
    }

    /// The content of a file without the line ends behind it.
    ///
    /// Returns nil if the file can not be read or holds no line of text.
    public init?(file path: String) {
        guard let secret = Self.read(path) else { return nil }
        self.path = path
        last = Mutex(secret)
    }

    /// The secret as it is now; while the file can not be read, what it was.
    public var current: Secret {
        if let path, let secret = Self.read(path) { last.withLock { $0 = secret } }
        return last.withLock { $0 }
    }

    private static func read(_ path: String) -> Secret? {
        guard let data = FileManager.default.contents(atPath: path), data.count <= longest,
            var text = String(validating: data, as: UTF8.self)
        else { return nil }
        while let last = text.unicodeScalars.last, last == "\n" || last == "\r" { text.unicodeScalars.removeLast() }
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return nil }
        return Secret(text)
    }
}
