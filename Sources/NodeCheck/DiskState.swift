import CacheStore
import FoundationEssentials
import Glibc
import NodeConfig

/// What the file system of a store looks like.
struct DiskState: Sendable, Hashable {
    /// The directory that was looked at: the store's, or the first one above it that is there.
    var directory: String
    var exists: Bool
    var isWritable: Bool
    /// What a process that is not root may still write.
    var freeBytes: Int64
    var freeFiles: UInt64?

    /// Looks at the file system.
    static func of(_ home: String) -> DiskState? {
        var directory = home
        while access(directory, F_OK) != 0, let slash = directory.lastIndex(of: "/") {
            directory = slash == directory.startIndex ? "/" : String(directory[..<slash])
        }
        var status = statvfs()
        guard statvfs(directory, &status) == 0 else { return nil }
        let isReadOnly = status.f_flag & UInt(ST_RDONLY) != 0
        return DiskState(
            directory: directory,
            exists: directory == home,
            isWritable: !isReadOnly && access(directory, W_OK | X_OK) == 0,
            freeBytes: Int64(clamping: UInt64(status.f_bavail) * UInt64(status.f_frsize)),
            // File systems without a table of files say 0 of 0.
            freeFiles: status.f_files == 0 ? nil : UInt64(status.f_favail)
        )
    }

    /// What that means for a store there.
    func finding(_ store: StoreConfiguration, home: String) -> Finding {
        let (free, floor) = (Self.rounded(freeBytes), store.freeSpaceFloor)
        guard isWritable else {
            return Finding(
                .failed,
                "disk",
                "\(directory) can not be written by this user",
                remedy: "run this as the user of dfdaemon, or set `home` to a directory that is writable"
            )
        }
        if freeFiles == 0 {
            return Finding(
                .failed,
                "disk",
                "no file can be made below \(directory): it is out of inodes",
                remedy: "remove files"
            )
        }
        guard freeBytes > floor.bytes else {
            return Finding(
                .failed,
                "disk",
                "\(free) are free at \(directory), and store.free_space_floor leaves \(floor) of them alone: nothing more is "
                    + "kept, and blobs are passed on from the registry",
                remedy: "make room, lower the floor, or move `home` to a larger file system"
            )
        }
        let quota = store.quota.map { "; the quota is \($0)" } ?? ""
        let missing = exists ? "" : "; \(home) is not there yet"
        return Finding(
            .ok,
            "disk",
            "\(free) are free at \(directory), \(floor) of them are left alone\(quota)\(missing)"
        )
    }

    private static func rounded(_ bytes: Int64) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        let index = min(units.count - 1, max(0, (63 - max(bytes, 1).leadingZeroBitCount) / 10))
        return "\(bytes >> (10 * Int64(index))) \(units[index])"
    }
}
