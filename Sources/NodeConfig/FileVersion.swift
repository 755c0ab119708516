internal import Glibc

/// What tells one version of a file from another, without reading it.
public struct FileVersion: Equatable, Sendable {
    private let inode: UInt64
    private let size: Int64
    private let seconds: Int
    private let nanoseconds: Int
    private let mode: UInt32

    /// The version that is there now; nil where there is no file.
    public init?(path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        inode = UInt64(status.st_ino)
        size = Int64(status.st_size)
        seconds = Int(status.st_mtim.tv_sec)
        nanoseconds = Int(status.st_mtim.tv_nsec)
        mode = UInt32(status.st_mode)
    }

    /// Whether nobody but its owner may do anything with it.
    public var isPrivate: Bool { mode & 0o077 == 0 }
}
