package import Content
internal import Glibc

/// The output of a download while it arrives: `.<name>.darter` beside the target, and a state file that says which of its
/// pieces are committed.
///
/// Both survive an interrupted or killed process, and the next ``open`` with the same target resumes from them.
/// ``finish()`` renames the file over the target; it can be read, and handed to peers, afterwards.
package struct TargetFile: Sendable {
    /// The bytes.
    package let file: PieceFile
    /// Where they are to end up.
    package let path: String
    private let temporary: String
    private let faults: FaultPoints

    /// Opens or resumes the output `path`.
    ///
    /// Pieces of an earlier run are committed where task, generation and piece size are the same. With `keepsForeign` those of
    /// another generation are there too, but doubted (``PieceFile/confirm(_:_:)``), and no later run takes them for this
    /// generation's before they are confirmed.
    /// Throws `.locked` while another process downloads to the same path, `.invalidTarget` where it is a directory.
    package static func open(
        path: String,
        task: TaskID,
        generation: Generation,
        layout: PieceLayout,
        keepsForeign: Bool = false,
        contentHash: Digest.Algorithm? = nil,
        threads: WorkerThreads,
        faults: FaultPoints = .none
    ) async throws(StoreError) -> TargetFile {
        try await open(
            path: path,
            task: task,
            generation: generation,
            layout: layout,
            keepsForeign: keepsForeign,
            contentHash: contentHash,
            threads: threads,
            faults: faults,
            bootID: CacheStore.currentBootID()
        )
    }

    static func open(
        path: String,
        task: TaskID,
        generation: Generation,
        layout: PieceLayout,
        keepsForeign: Bool,
        contentHash: Digest.Algorithm?,
        threads: WorkerThreads,
        faults: FaultPoints,
        bootID: String
    ) async throws(StoreError) -> TargetFile {
        let path = try resolved(path)
        try check(target: path)
        let temporary = temporaryPath(of: path)
        let descriptor = try openLocked(temporary)
        var owned = true
        defer { if owned { close(descriptor) } }
        var start = SavedTarget(task: task, generation: generation, layout: layout, bootID: bootID)
        var foreign: [PieceIndex: Digest] = [:]
        if let saved = saved(at: path), saved.task == task {
            let kept = try await kept(of: saved, start, descriptor, threads)
            if saved.generation == generation { start.pieces = kept } else if keepsForeign { foreign = kept }
            if start.layout.length == nil, saved.generation == generation, !start.pieces.isEmpty {
                start.layout = saved.layout
            }
        }
        if start.pieces.isEmpty, foreign.isEmpty { try resize(descriptor, to: 0, temporary) }
        let journal: TargetJournal
        do throws(StoreError) {
            try checkRoom(for: layout, descriptor)
            journal = try TargetJournal(path: temporary + ".state", start)
        } catch {
            if start.pieces.isEmpty { unlink(temporary) }
            throw error
        }
        owned = false
        let file = PieceFile(
            task: task,
            generation: generation,
            layout: start.layout,
            descriptor: descriptor,
            checks: start.pieces.mapValues { .digest($0) },
            foreign: foreign.mapValues { .digest($0) },
            contentHash: contentHash,
            isReadOnly: false,
            journal: journal,
            threads: threads,
            faults: faults
        )
        return TargetFile(file: file, path: path, temporary: temporary, faults: faults)
    }

    /// What an earlier run has left for this output, for those who want to know before they know the generation.
    package static func saved(at path: String) -> SavedTarget? {
        guard let place = try? resolved(path),
            let descriptor = try? FileAccess.open(temporaryPath(of: place) + ".state", O_RDONLY | O_NOFOLLOW)
        else { return nil }
        defer { close(descriptor) }
        guard let stamp = try? FileStamp(descriptor: descriptor), stamp.size < 1 << 30 else { return nil }
        var bytes = [UInt8](repeating: 0, count: Int(stamp.size))
        let count = bytes.withUnsafeMutableBytes { try? FileAccess.read($0, at: 0, from: descriptor) }
        return TargetRecord.read(Array(bytes[..<(count ?? 0)]))
    }

    /// Moves the whole file over the target and removes the state.
    ///
    /// Throws `.invalidTarget` if the target has become a directory, `.outOfRange` unless the file is whole.
    package func finish() throws(StoreError) {
        guard file.isWhole, let length = file.layout.length else {
            throw StoreError(.outOfRange, "the content is not whole")
        }
        try Self.check(target: path)
        // An earlier generation may have been longer.
        try Self.resize(file.descriptor, to: length, temporary)
        file.remember(try FileStamp(descriptor: file.descriptor))
        faults.hit("target-whole")
        guard rename(temporary, path) == 0 else { throw .system("rename \(temporary) to \(path)") }
        faults.hit("target-renamed")
        unlink(temporary + ".state")
        flock(file.descriptor, LOCK_UN)
    }

    /// Gives up: what is there stays for the next run, or goes.
    ///
    /// The output is free for others at once, even if somebody still reads the file.
    package func abandon(keep: Bool) {
        file.fail(StoreError(.cancelled, "the download was given up"))
        if !keep {
            unlink(temporary + ".state")
            unlink(temporary)
        }
        flock(file.descriptor, LOCK_UN)
    }

    // MARK: Paths

    static func temporaryPath(of path: String) -> String {
        let slash = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
        let name = path[slash...]
        // NAME_MAX is 255, and `..darter.state` comes on top.
        let short = name.utf8.count <= 240 ? String(name) : Digest.of(String(name)).hex
        return "\(path[..<slash]).\(short).darter"
    }

    /// Where the file of an output `path` is, or is to be: a link stays one, also to what is not there yet.
    ///
    /// Throws `.invalidTarget` for a link that the system would not follow: a loop, or somebody else's in a shared directory.
    package static func resolved(_ path: String) throws(StoreError) -> String {
        var place = path
        var status = Glibc.stat()
        while lstat(place, &status) == 0, status.st_mode & S_IFMT == S_IFLNK {
            guard stat(place, &status) == 0 || errno == ENOENT else {
                throw StoreError(.invalidTarget, "\(place): \(String(cString: strerror(errno)))")
            }
            let destination = try destination(of: place)
            let slash = place.lastIndex(of: "/").map { place.index(after: $0) } ?? place.startIndex
            place = destination.hasPrefix("/") ? destination : place[..<slash] + destination
        }
        return place
    }

    private static func destination(of link: String) throws(StoreError) -> String {
        var bytes = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = bytes.withUnsafeMutableBytes { bytes in
            bytes.withMemoryRebound(to: CChar.self) { buffer in
                buffer.baseAddress.map { readlink(link, $0, buffer.count) } ?? -1
            }
        }
        guard count > 0 else { throw .system("readlink \(link)") }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    /// Better no download than one that ends when the disk is full.
    private static func checkRoom(for layout: PieceLayout, _ descriptor: Int32) throws(StoreError) {
        guard let length = layout.length else { return }
        var (space, status) = (statvfs(), Glibc.stat())
        guard fstatvfs(descriptor, &space) == 0, fstat(descriptor, &status) == 0 else { throw .system("fstatvfs") }
        let free = Int64(clamping: UInt64(space.f_bavail) * UInt64(space.f_frsize))
        let missing = length - Int64(status.st_blocks) * 512
        guard missing <= free else {
            throw StoreError(.diskFull, "\(missing) more bytes are needed on the disk, which has \(free) free")
        }
    }

    private static func check(target path: String) throws(StoreError) {
        guard let name = path.split(separator: "/", omittingEmptySubsequences: false).last, !name.isEmpty,
            name != ".", name != ".."
        else { throw StoreError(.invalidTarget, "\(path) is not the name of a file") }
        var status = Glibc.stat()
        guard stat(path, &status) == 0 else { return }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return
        case S_IFDIR: throw StoreError(.invalidTarget, "\(path) is a directory")
        default: throw StoreError(.invalidTarget, "\(path) is not a regular file")
        }
    }

    /// Sets a file's size where it is another one.
    ///
    /// ext4 writes a file that was ever truncated to nothing to the disk when it is closed, and whoever closes it waits.
    private static func resize(_ descriptor: Int32, to length: Int64, _ path: String) throws(StoreError) {
        guard try FileStamp(descriptor: descriptor).size != length else { return }
        guard ftruncate(descriptor, off_t(length)) == 0 else { throw .system("ftruncate \(path)") }
    }

    /// The temporary file, held against other processes.
    private static func openLocked(_ path: String) throws(StoreError) -> Int32 {
        while true {
            let descriptor: Int32
            do throws(StoreError) {
                descriptor = try FileAccess.open(path, O_RDWR | O_CREAT | O_NOFOLLOW)
            } catch {
                switch error.code.errno {
                case ENOENT?, ENOTDIR?, EISDIR?, ELOOP?: throw StoreError(.invalidTarget, error.message)
                default: throw error
                }
            }
            guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
                close(descriptor)
                throw StoreError(.locked, "another process downloads to \(path)")
            }
            // The one who held it may have moved it to its target meanwhile.
            if let there = FileStamp(path: path), there.inode == (try? FileStamp(descriptor: descriptor))?.inode {
                return descriptor
            }
            close(descriptor)
        }
    }

    /// The pieces of an earlier run that are where this one has its own.
    private static func kept(
        of saved: SavedTarget,
        _ start: SavedTarget,
        _ descriptor: Int32,
        _ threads: WorkerThreads
    ) async throws(StoreError) -> [PieceIndex: Digest] {
        guard saved.layout.pieceSize == start.layout.pieceSize else { return [:] }
        let size = try FileStamp(descriptor: descriptor).size
        var pieces = saved.pieces.filter { piece, _ in
            guard let range = saved.layout.range(of: piece), range.end <= size else { return false }
            return start.layout.length == nil || start.layout.range(of: piece) == range
        }
        if saved.bootID != start.bootID {
            // What had not reached the disk when the system went down is not there any more.
            let good = await verifiedPieces(pieces.mapValues { .digest($0) }, nil, saved.layout, descriptor, threads)
            pieces = pieces.filter { good.contains($0.key) }
        }
        return pieces
    }
}
