internal import Glibc
internal import Synchronization

/// Holds a directory for this process, until it is released or the process ends.
final class DirectoryLock: Sendable {
    private let descriptor: Mutex<Int32?>

    /// Throws `.locked`, naming the process that holds it.
    init(path: String) throws(StoreError) {
        let descriptor = try FileAccess.open(path, O_RDWR | O_CREAT)
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let holder = Self.holder(descriptor)
            close(descriptor)
            throw StoreError(.locked, "\(path) is held by another process\(holder.map { " (pid \($0))" } ?? "")")
        }
        self.descriptor = Mutex(descriptor)
        ftruncate(descriptor, 0)
        let text = Array("\(getpid())\n".utf8)
        // Only a help for whoever finds the lock taken.
        _ = pwrite(descriptor, text, text.count, 0)
    }

    deinit { release() }

    func release() {
        let held = descriptor.withLock { descriptor in
            defer { descriptor = nil }
            return descriptor
        }
        guard let held else { return }
        // Not only closed: a child that is just being started may still have a copy.
        flock(held, LOCK_UN)
        close(held)
    }

    /// Whether the file that is held is the one that `path` names; true once it is released.
    func isStillAt(_ path: String) -> Bool {
        descriptor.withLock { descriptor in
            guard let descriptor else { return true }
            var (held, named) = (stat(), stat())
            guard fstat(descriptor, &held) == 0, stat(path, &named) == 0 else { return false }
            return held.st_dev == named.st_dev && held.st_ino == named.st_ino
        }
    }

    private static func holder(_ descriptor: Int32) -> Int32? {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return nil }
        return Int32(String(decoding: bytes[..<count].prefix { $0 != 10 }, as: UTF8.self))
    }
}
