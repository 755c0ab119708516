internal import Glibc

/// A directory that becomes another user's, with everything in it.
///
/// A volume of Kubernetes that is a directory of the node is made for root; the process that keeps its store there is none.
package struct OwnedDirectory: Sendable {
    /// What can not be handed over, for a person.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    private let path: String
    private let user: uid_t
    private let group: gid_t

    /// The directory, which has to be there, and whose it is to be.
    package init(_ path: String, user: UInt32, group: UInt32) {
        self.path = path
        self.user = user
        self.group = group
    }

    /// Hands it over; does nothing where it is that user's already.
    ///
    /// The directory itself comes last, so that another run goes on after one that was interrupted. Symbolic links are
    /// handed over themselves, never followed. Returns whether there was anything to do.
    package func handOver() throws(Failure) -> Bool {
        var status = stat()
        guard lstat(path, &status) == 0 else { throw Self.failure("can not be looked at", path) }
        // What is handed over already may be closed to whoever has no right but to change owners.
        if status.st_mode & S_IFMT == S_IFDIR, status.st_uid == user, status.st_gid == group { return false }
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw Self.failure("can not be opened", path) }
        defer { close(descriptor) }
        try handOverContents(of: descriptor, path)
        guard fchown(descriptor, user, group) == 0 else { throw Self.failure("can not be handed over", path) }
        return true
    }

    private func handOverContents(of directory: Int32, _ path: String) throws(Failure) {
        for name in try Self.names(in: directory, path) {
            let child = "\(path)/\(name)"
            let descriptor = openat(directory, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
            if descriptor >= 0 {
                defer { close(descriptor) }
                try handOverContents(of: descriptor, child)
            } else if errno != ENOTDIR, errno != ELOOP {
                throw Self.failure("can not be opened", child)
            }
            guard fchownat(directory, name, user, group, AT_SYMLINK_NOFOLLOW) == 0 else {
                throw Self.failure("can not be handed over", child)
            }
        }
    }

    private static func names(in directory: Int32, _ path: String) throws(Failure) -> [String] {
        guard let stream = fdopendir(fcntl(directory, F_DUPFD_CLOEXEC, 0)) else {
            throw failure("can not be listed", path)
        }
        defer { closedir(stream) }
        return readNames(from: stream)
    }

    private static func failure(_ what: String, _ path: String) -> Failure {
        Failure(description: "\(path) \(what): \(String(cString: strerror(errno)))")
    }
}
