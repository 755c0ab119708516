internal import Glibc

/// The files of a machine, or of an image of one below another directory.
struct HostFiles: Sendable {
    private static let largest = 1 << 20

    /// Ends with no slash; empty for the machine itself.
    let root: String

    init(root: String) throws(SetupError) {
        guard let resolved = Self.resolved(root) else { throw SetupError("\(root): no such directory") }
        self.root = resolved == "/" ? "" : resolved
    }

    /// A file's text; nil where there is none.
    ///
    /// With an `ending`, the file beside it that has this behind its name, wherever symbolic links lead.
    func read(_ path: String, ending: String = "") throws(SetupError) -> String? {
        let place = try place(path) + ending
        let descriptor = open(place, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw Self.failure("can not be read", place)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw SetupError("\(place): no regular file")
        }
        guard status.st_size <= Self.largest else { throw SetupError("\(place): too large for a configuration") }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Self.failure("can not be read", place) }
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw SetupError("\(place): no UTF-8 text") }
        return text
    }

    /// The names in a directory in order; none where there is no such directory.
    func names(in path: String) throws(SetupError) -> [String] {
        let place = try place(path)
        guard let directory = opendir(place) else {
            if errno == ENOENT || errno == ENOTDIR { return [] }
            throw Self.failure("can not be listed", place)
        }
        defer { closedir(directory) }
        return readNames(from: directory).sorted()
    }

    /// Where a file really is: symbolic links are followed, but not out of the root.
    func place(_ path: String) throws(SetupError) -> String {
        let whole = root + path
        if let resolved = Self.resolved(whole) {
            guard isInside(resolved) else {
                throw SetupError("\(whole) leads to \(resolved), which is not below \(root): nothing was written there")
            }
            return resolved
        }
        var status = stat()
        guard lstat(whole, &status) != 0 else { throw SetupError("\(whole) is a symbolic link to nothing: remove it") }
        // What is not there yet will be made in the directory, wherever that is.
        guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { return whole }
        return try place(String(path[..<slash])) + path[slash...]
    }

    private func isInside(_ resolved: String) -> Bool {
        root.isEmpty || resolved == root || resolved.hasPrefix(root + "/")
    }

    private static func resolved(_ path: String) -> String? {
        guard let pointer = realpath(path, nil) else { return nil }
        defer { free(pointer) }
        return String(cString: pointer)
    }

    /// What the system has just refused.
    static func failure(_ what: String, _ place: String) -> SetupError {
        let code = errno
        let advice = code == EACCES || code == EPERM ? "; run this as root" : ""
        return SetupError("\(place) \(what): \(String(cString: strerror(code)))\(advice)")
    }
}
