internal import Content
internal import Glibc

/// Size and time of modification of a file's bytes: differs whenever somebody has written to it since.
package struct FileStamp: Hashable, Sendable, Codable {
    /// The size in bytes.
    package let size: Int64
    /// Nanoseconds since 1970.
    package let modified: Int64
    /// The file's number on its device.
    package let inode: UInt64

    init(_ status: stat) {
        size = Int64(status.st_size)
        modified = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
        inode = UInt64(status.st_ino)
    }

    init(size: Int64, modified: Int64, inode: UInt64) {
        self.size = size
        self.modified = modified
        self.inode = inode
    }

    /// The stamp of an open file.
    init(descriptor: Int32) throws(StoreError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .system("fstat") }
        self.init(status)
    }

    /// The stamp of the file at `path`; nil where there is none.
    init?(path: String) {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        self.init(status)
    }

    /// Whether the bytes are the same as then, wherever the file has been moved to.
    func sameBytes(as other: FileStamp) -> Bool { size == other.size && modified == other.modified }
}

/// Positioned reads and writes that go on until everything is done.
enum FileAccess {
    static func open(_ path: String, _ flags: Int32, mode: mode_t = 0o666) throws(StoreError) -> Int32 {
        while true {
            let descriptor = Glibc.open(path, flags | O_CLOEXEC, mode)
            if descriptor >= 0 { return descriptor }
            if errno != EINTR { throw .system("open \(path)") }
        }
    }

    static func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64, to descriptor: Int32) throws(StoreError) {
        var done = 0
        while done < bytes.count {
            let count = pwrite(
                descriptor,
                bytes.baseAddress?.advanced(by: done),
                bytes.count - done,
                off_t(offset) + off_t(done)
            )
            if count > 0 {
                done += count
            } else if errno != EINTR {
                throw .system("write")
            }
        }
    }

    /// Returns how many bytes there were: fewer than asked for only at the end of the file.
    static func read(
        _ buffer: UnsafeMutableRawBufferPointer,
        at offset: Int64,
        from descriptor: Int32
    ) throws(StoreError) -> Int {
        var done = 0
        while done < buffer.count {
            let count = pread(
                descriptor,
                buffer.baseAddress?.advanced(by: done),
                buffer.count - done,
                off_t(offset) + off_t(done)
            )
            if count == 0 { break }
            if count > 0 {
                done += count
            } else if errno != EINTR {
                throw .system("read")
            }
        }
        return done
    }

    /// Hands the bytes of `range` to `body`, one full buffer after the other.
    static func scan(
        _ range: ByteRange,
        of descriptor: Int32,
        through buffer: UnsafeMutableRawBufferPointer,
        _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(StoreError) {
        var offset = range.offset
        while offset < range.end {
            let want = Int(min(Int64(buffer.count), range.end - offset))
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<want])
            guard try read(part, at: offset, from: descriptor) == want else {
                throw StoreError(.corrupt, "the file ends before byte \(range.end)")
            }
            body(UnsafeRawBufferPointer(part))
            offset += Int64(want)
        }
    }

    static func synchronize(directory: String) throws(StoreError) {
        let descriptor = try open(directory, O_RDONLY | O_DIRECTORY)
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .system("fsync \(directory)") }
    }

    /// Creates the directory and what is missing above it.
    static func makeDirectory(_ path: String, mode: mode_t = 0o777) throws(StoreError) {
        if mkdir(path, mode) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw .system("mkdir \(path)")
        }
        try makeDirectory(String(path[..<slash]))
        guard mkdir(path, mode) == 0 || errno == EEXIST else { throw .system("mkdir \(path)") }
    }

    /// The names in a directory, without `.` and `..`; none where there is no such directory.
    static func names(in directory: String) -> [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
