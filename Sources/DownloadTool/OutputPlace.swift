package import Content
import Glibc

/// Where the content is to go.
package enum OutputPlace: Sendable, Hashable {
    case file(path: String)
    case standardOutput

    /// `given`: what `--output` says, `-` for standard output; nil: the URL's last path component in the current directory.
    ///
    /// Throws a usage failure where that is no name for a file.
    package init(_ given: String?, for url: ResourceURL?) throws(ToolFailure) {
        if let given {
            guard !given.isEmpty else { throw ToolFailure(.usage, "--output is empty") }
            self = given == "-" ? .standardOutput : .file(path: given)
            return
        }
        guard let name = url?.lastPathComponent, !name.contains("/"), name != ".", name != "..",
            name.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
        else { throw ToolFailure(.usage, "the URL does not name a file; say where to with -o FILE") }
        self = .file(path: name)
    }

    /// Refuses before anything is fetched what could not be written afterwards.
    package func check() throws(ToolFailure) {
        guard case .file(let path) = self else { return }
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
        case .standardOutput: "-"
        }
    }

    /// The name in a summary.
    package var text: String {
        switch self {
        case .file(let path): path
        case .standardOutput: "-"
        }
    }
}
