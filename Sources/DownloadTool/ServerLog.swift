import FoundationEssentials
import Glibc

/// Where background servers say what they do: one file below dfget's home for all of them.
///
/// It can not fill the disk: a server writes no file beyond ``limit``, and a file that is half full when a server starts
/// becomes the old one, of which there is one.
package enum ServerLog {
    private static let limit: rlim_t = 1 << 20

    /// The log below `home`.
    static func path(below home: String) -> String { "\(home)/dfget-server.log" }

    /// Opens it for a server that is about to be started; nil where this user may not write there.
    static func open(below home: String) -> Int32? {
        let path = path(below: home)
        var status = stat()
        if stat(path, &status) == 0, status.st_size > Int(limit / 2) { rename(path, path + ".old") }
        try? FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
        let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
        return descriptor >= 0 ? descriptor : nil
    }

    /// Makes this process write no file beyond the limit: what a server writes is its log.
    static func bound() {
        signal(SIGXFSZ, SIG_IGN)
        var limits = rlimit(rlim_cur: limit, rlim_max: limit)
        setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limits)
    }
}
