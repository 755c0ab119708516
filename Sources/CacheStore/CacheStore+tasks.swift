package import Content
internal import Glibc
internal import Logging
internal import Synchronization

extension CacheStore {
    /// Makes room for a task and gives the file to write its content to.
    ///
    /// The whole length is reserved at once, evicting if necessary; content of unknown length reserves as it grows. What
    /// the store has of this generation is kept and returned; another generation is forgotten. `contentHash` says which
    /// digest of the whole is computed while the pieces arrive. Throws `.quotaExceeded` or `.diskFull`.
    package func create(
        _ task: TaskID,
        generation: Generation,
        layout: PieceLayout,
        metadata: [UInt8],
        contentHash: Digest.Algorithm?
    ) throws(StoreError) -> PieceFile {
        try creation.withLock { _ throws(StoreError) in
            if let existing = try resume(task, generation, layout, metadata, contentHash) { return existing }
            remove(task)
            let made = Result { () throws(StoreError) in try make(task, generation, layout, metadata, contentHash) }
            note(made)
            return try made.get()
        }
    }

    private func make(
        _ task: TaskID,
        _ generation: Generation,
        _ layout: PieceLayout,
        _ metadata: [UInt8],
        _ contentHash: Digest.Algorithm?
    ) throws(StoreError) -> PieceFile {
        let length = layout.length ?? 0
        let ref = catalog.withLock { $0.takeRef() }
        let row = TaskRow(
            ref: ref,
            id: task,
            generation: generation,
            layout: layout,
            object: ref,
            isComplete: false,
            contentHash: contentHash,
            metadata: metadata,
            lastUsed: secondsSince1970()
        )
        let object = ObjectRow(ref: ref, incoming: "\(ref)-\(task.description.prefix(16))")
        try makeRoom(for: length) { catalog in
            catalog.insert(StoredObject(row: object, charged: length, pending: length, handles: 1))
        }
        let journal = StoreJournal(store: self, task: task, ref: ref, object: ref)
        do throws(StoreError) {
            let descriptor = try makeFile(object.incoming)
            faults.hit("created")
            let file = PieceFile(
                task: task,
                generation: generation,
                layout: layout,
                descriptor: descriptor,
                checks: [:],
                contentHash: contentHash,
                isReadOnly: false,
                journal: journal,
                codes: codes,
                makesDigests: makesDigests(contentHash),
                threads: threads,
                faults: faults
            )
            catalog.withLock { catalog in
                var stored = StoredTask(row: row, committed: PieceSet())
                stored.file.value = file
                catalog.insert(stored)
                writer.append([.putObject(object), .putTask(row)])
            }
            return file
        } catch {
            catalog.withLock { catalog in
                catalog.objects[ref]?.isGone = true
                catalog.release(ref)
            }
            throw error
        }
    }

    /// What is there of the same generation, if its pieces fit the layout.
    private func resume(
        _ task: TaskID,
        _ generation: Generation,
        _ layout: PieceLayout,
        _ metadata: [UInt8],
        _ contentHash: Digest.Algorithm?
    ) throws(StoreError) -> PieceFile? {
        guard let row = catalog.withLock({ $0.tasks[task]?.row }), row.generation == generation,
            row.layout.pieceSize == layout.pieceSize,
            row.layout.length == nil || layout.length == nil || row.layout.length == layout.length,
            let file = try open(task)
        else { return nil }
        if let length = layout.length, file.layout.length == nil {
            let known = catalog.withLock { $0.objects[row.object]?.charged ?? 0 }
            if length > known { try makeRoom(for: length - known) { $0.charge(length - known, to: row.object) } }
            try file.learn(length: length)
        }
        if let contentHash, !row.isComplete { file.startContentHash(contentHash) }
        if row.metadata != metadata { setMetadata(metadata, of: task) }
        return file
    }

    /// The task's file, incomplete or complete; the same object for everybody while somebody holds it.
    ///
    /// Nil where the store does not have the task, or has to verify its bytes first because the file is not as it was
    /// left: that goes on in the background (see ``openVerified(_:)``). A failure of an earlier attempt is cleared.
    package func open(_ task: TaskID) throws(StoreError) -> PieceFile? {
        for _ in 0..<3 {
            switch try attemptOpen(task) {
            case .file(let file): return file
            case .none: return nil
            case .moved: continue
            }
        }
        return nil
    }

    /// The file of any complete task with this content.
    package func open(content digest: Digest) throws(StoreError) -> PieceFile? {
        let task = catalog.withLock { catalog in
            catalog.byDigest[digest].flatMap { catalog.objects[$0]?.tasks.first }
        }
        guard let task else { return nil }
        return try open(task)
    }

    /// Same as ``open(_:)``, but waits for the verification of bytes that are in doubt.
    package func openVerified(_ task: TaskID) async throws(StoreError) -> PieceFile? {
        if let file = try open(task) { return file }
        guard catalog.withLock({ $0.object(of: task)?.isDoubtful ?? false }) else { return nil }
        await background.run { _ in }
        return try open(task)
    }

    private enum Opening {
        case file(PieceFile)
        case none
        /// The file was moved meanwhile.
        case moved
    }

    private enum Lookup {
        case open(PieceFile)
        case closed(StoredTask, StoredObject)
        case none
    }

    private func attemptOpen(_ task: TaskID) throws(StoreError) -> Opening {
        let found: Lookup = catalog.withLock { catalog in
            guard !catalog.isClosed, let stored = catalog.tasks[task], let object = catalog.object(of: task),
                !object.isDoubtful
            else { return .none }
            use(task, &catalog)
            if let file = stored.file.value { return .open(file) }
            catalog.objects[stored.row.object]?.handles += 1
            return .closed(stored, object)
        }
        switch found {
        case .none: return .none
        case .open(let file):
            file.clearFailure()
            return .file(file)
        case .closed(let stored, let object):
            let journal = StoreJournal(store: self, task: task, ref: stored.row.ref, object: stored.row.object)
            do throws(StoreError) {
                return try open(stored, object, journal)
            } catch {
                journal.closed()
                throw error
            }
        }
    }

    /// The journal's handle is given back by the file, or here where there is none.
    private func open(
        _ stored: StoredTask,
        _ object: StoredObject,
        _ journal: StoreJournal
    ) throws(StoreError) -> Opening {
        let path = path(object.path)
        let descriptor = Glibc.open(path, (stored.row.isComplete ? O_RDONLY : O_RDWR) | O_CLOEXEC)
        guard descriptor >= 0 else {
            let error = StoreError.system("open \(path)")
            guard error.code == .io(ENOENT) else { throw error }
            let moved = catalog.withLock { $0.objects[object.row.ref]?.path != object.path }
            if !moved { forget(stored.row, "its file \(path) is missing") }
            journal.closed()
            return moved ? .moved : .none
        }
        do throws(StoreError) {
            let stamp = try FileStamp(descriptor: descriptor)
            if stored.row.isComplete, let known = object.row.stamp, !known.sameBytes(as: stamp) {
                Glibc.close(descriptor)
                doubt(object.row.ref, "\(path) has been changed by somebody else")
                journal.closed()
                return .none
            }
            var checks = try writer.pieces(of: stored.row.ref)
            if stored.row.isComplete, checks.count != stored.row.layout.pieceCount {
                Glibc.close(descriptor)
                forget(stored.row, "the index lacks some of its pieces")
                journal.closed()
                return .none
            }
            if !stored.row.isComplete { checks = checks.filter { isPresent($0.key, stored.row.layout, stamp.size) } }
            return register(
                PieceFile(
                    task: stored.row.id,
                    generation: stored.row.generation,
                    layout: stored.row.layout,
                    descriptor: descriptor,
                    checks: checks,
                    contentHash: stored.row.isComplete ? nil : stored.row.contentHash,
                    isReadOnly: stored.row.isComplete,
                    journal: journal,
                    codes: codes,
                    makesDigests: makesDigests(stored.row.contentHash),
                    threads: threads,
                    faults: faults
                ),
                ref: stored.row.ref
            )
        } catch {
            Glibc.close(descriptor)
            throw error
        }
    }

    /// Whether pieces of new content get digests: codes do where nobody asks for pieces, and only its SHA-256 names the whole.
    private func makesDigests(_ contentHash: Digest.Algorithm?) -> Bool {
        configuration.servesPieces || contentHash != .sha256
    }

    private func isPresent(_ piece: PieceIndex, _ layout: PieceLayout, _ size: Int64) -> Bool {
        layout.range(of: piece).map { $0.end <= size } ?? false
    }

    /// Of two that open at the same time, one file is everybody's.
    private func register(_ file: PieceFile, ref: Int64) -> Opening {
        catalog.withLock { catalog in
            guard let stored = catalog.task(file.task, ref: ref) else { return .moved }
            if let other = stored.file.value { return .file(other) }
            catalog.tasks[file.task]?.file.value = file
            return .file(file)
        }
    }

    func forget(_ row: TaskRow, _ reason: String) {
        logger.warning("a task is forgotten: \(reason)", metadata: ["task": "\(row.id)"])
        discard(catalog.withLock { $0.task(row.id, ref: row.ref) == nil ? nil : take(row.id, from: &$0) })
    }
}
