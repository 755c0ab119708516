internal import BackendAPI
internal import CFileAccess
internal import Glibc

/// Reads a directory below a root.
enum DirectoryListing {
    /// The files and directories in it by name; what could not be fetched or listed is left out.
    static func entries(_ path: FilePath) throws(BackendError) -> [ListedEntry] {
        let directory = try OpenFile.directory(path)
        // The stream closes its descriptor itself.
        let copy = fcntl(directory.descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0, let stream = fdopendir(copy) else {
            throw BackendError(.unavailable, "\(path.relative): \(String(cString: strerror(errno)))")
        }
        defer { closedir(stream) }
        var entries: [ListedEntry] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(validatingCString: $0) }
            }
            guard let name, name != ".", name != ".." else { continue }
            guard let file = try? OpenFile.beneath(path.appending(name), flags: CFileAccess_O_PATH),
                let status = try? file.status()
            else { continue }
            switch status.kind {
            case S_IFREG: entries.append(ListedEntry(name: name, kind: .file, length: status.length))
            case S_IFDIR: entries.append(ListedEntry(name: name, kind: .directory))
            default: break
            }
        }
        return entries.sorted { $0.name < $1.name }
    }
}
