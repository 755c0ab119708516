internal import BackendAPI
internal import CFileAccess
internal import Glibc

/// A descriptor below a root, closed when nobody holds it any more.
final class OpenFile: Sendable {
    let descriptor: Int32

    private init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Opens a regular file for reading.
    static func regular(_ path: FilePath) throws(BackendError) -> OpenFile {
        // Only a handle at first: opening a device or a FIFO for reading may block or do something.
        let handle = try beneath(path, flags: CFileAccess_O_PATH)
        guard try handle.status().kind == S_IFREG else {
            throw BackendError(.refused, "\(path.relative): not a regular file")
        }
        let descriptor = open("/proc/self/fd/\(handle.descriptor)", O_RDONLY | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else { throw error(errno, path.relative) }
        return OpenFile(descriptor)
    }

    /// Opens a directory for listing.
    static func directory(_ path: FilePath) throws(BackendError) -> OpenFile {
        try beneath(path, flags: O_RDONLY | O_DIRECTORY)
    }

    /// Opens without leaving the root, and at first without touching what is there.
    static func beneath(_ path: FilePath, flags: Int32) throws(BackendError) -> OpenFile {
        let root = open(path.root, CFileAccess_O_PATH | O_DIRECTORY | O_CLOEXEC)
        guard root >= 0 else { throw error(errno, path.root) }
        defer { close(root) }
        let descriptor = CFileAccess_open_beneath(root, path.relative, flags | O_CLOEXEC)
        guard descriptor >= 0 else { throw error(-descriptor, path.relative) }
        return OpenFile(descriptor)
    }

    /// What the file is like now.
    func status() throws(BackendError) -> FileStatus {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.error(errno, "the file") }
        return FileStatus(status)
    }

    private static func error(_ number: Int32, _ name: String) -> BackendError {
        let reason = String(cString: strerror(number))
        switch number {
        case ENOENT, ENOTDIR, ENAMETOOLONG: return BackendError(.notFound, "\(name): \(reason)")
        case EACCES, EPERM: return BackendError(.forbidden, "\(name): \(reason)")
        case EXDEV: return BackendError(.refused, "\(name): leads out of its root")
        case ELOOP: return BackendError(.refused, "\(name): \(reason)")
        case ENOSYS: return BackendError(.refused, "this kernel has no openat2, so no file is served")
        default: return BackendError(.unavailable, "\(name): \(reason)")
        }
    }
}

/// What `fstat` tells that matters here.
struct FileStatus: Sendable, Equatable {
    let kind: mode_t
    let length: Int64
    /// Another content has another tag: a change sets the time, a replacement has another inode.
    let entityTag: String

    init(_ status: stat) {
        kind = status.st_mode & S_IFMT
        length = Int64(status.st_size)
        let time = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
        entityTag = "\"\(length)-\(time)-\(status.st_ino)\""
    }
}
