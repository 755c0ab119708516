import CacheStore
package import Content
import Glibc

/// Where the content is to go.
package enum OutputPlace: Sendable, Hashable {
    /// A regular file, there or to be made: it is replaced once the content is whole.
    case file(path: String)
    /// What takes bytes in order and can not be replaced.
    case stream(Stream)

    /// Standard output, another open descriptor, a pipe or a device.
    package struct Stream: Sendable, Hashable {
        /// `-`, or its path.
        package let name: String
        /// Where it is open already.
        package let descriptor: Int32?

        /// Nil where the path is that of a regular file, a directory, or nothing.
        init?(_ path: String) {
            name = path
            descriptor = Self.descriptor(path)
            var status = stat()
            guard
                descriptor != nil
                    || (stat(path, &status) == 0 && ![S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT))
            else { return nil }
        }

        /// For a person.
        var text: String { descriptor == STDOUT_FILENO ? "standard output" : name }

        /// Refuses a descriptor that the caller has not opened for writing.
        ///
        /// What was opened here is none of the caller's: it closes on exec, which an inherited descriptor can not do.
        fileprivate func check() throws(ToolFailure) {
            guard let descriptor else { return }
            let mode = fcntl(descriptor, F_GETFL)
            guard mode >= 0, mode & O_ACCMODE != O_RDONLY, fcntl(descriptor, F_GETFD) & FD_CLOEXEC == 0 else {
                throw ToolFailure(.local, "\(text) is not open for writing")
            }
        }

        /// These are names of what is open here, whatever kind of file that is.
        private static func descriptor(_ path: String) -> Int32? {
            switch path {
            case "-", "/dev/stdout": STDOUT_FILENO
            case "/dev/stderr": STDERR_FILENO
            default:
                ["/dev/fd/", "/proc/self/fd/"].first { path.hasPrefix($0) }.flatMap { Int32(path.dropFirst($0.count)) }
            }
        }
    }

    /// Whether the content itself goes to standard output.
    package var isStandardOutput: Bool {
        if case .stream(let stream) = self { stream.descriptor == STDOUT_FILENO } else { false }
    }

    /// `given`: what `--output` says, `-` for standard output; nil: the URL's last path component in the current directory.
    ///
    /// Throws a usage failure where that is no name for a file.
    package init(_ given: String?, for url: ResourceURL?) throws(ToolFailure) {
        if let given {
            guard !given.isEmpty else { throw ToolFailure(.usage, "--output is empty") }
            self = Stream(given).map { .stream($0) } ?? .file(path: given)
            return
        }
        guard let name = url?.lastPathComponent, !name.contains("/"), name != ".", name != "..",
            name.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
        else { throw ToolFailure(.usage, "the URL does not name a file; say where to with -o FILE") }
        self = .file(path: name)
    }

    /// Refuses before anything is fetched what could not be written afterwards.
    package func check() throws(ToolFailure) {
        switch self {
        case .file(let path): try check(file: path)
        case .stream(let stream): try stream.check()
        }
    }

    private func check(file given: String) throws(ToolFailure) {
        let path: String
        do throws(StoreError) {
            path = try TargetFile.resolved(given)
        } catch {
            throw ToolFailure(any: error)
        }
        var status = stat()
        if path.hasSuffix("/") || (stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR) {
            throw ToolFailure(.local, "\(path) is a directory; name the output file with -o")
        }
        guard name.utf8.count <= Int(NAME_MAX) else {
            throw ToolFailure(.local, "the output file's name is longer than \(NAME_MAX) bytes")
        }
        let parent = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        guard stat(parent, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw ToolFailure(.local, "there is no directory \(parent)")
        }
        guard access(parent, W_OK | X_OK) == 0 else {
            throw ToolFailure(
                .local,
                "the directory \(parent) can not be written to: \(String(cString: strerror(errno)))"
            )
        }
    }

    /// The file's own name, for a person.
    package var name: String {
        switch self {
        case .file(let path): String(path.split(separator: "/").last ?? "")
        case .stream(let stream): stream.name
        }
    }

    /// The name in a summary.
    package var text: String {
        switch self {
        case .file(let path): path
        case .stream(let stream): stream.name
        }
    }
}
