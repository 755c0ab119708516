package import CacheStore
package import Content
package import OriginFetch
import PeerEngine
import Synchronization
import WireAPI

/// The pieces go straight into the temporary file beside the output, which replaces the output once it is verified.
package final class TargetDestination: DownloadDestination {
    private struct State {
        var target: TargetFile?
        var record: OriginRecord?
        var isFinished = false
    }

    private let path: String
    private let task: TaskID
    private let digests: [Digest]
    private let threads: WorkerThreads
    private let notes: TargetNotes
    private let state = Mutex(State())

    /// `digests`: what the content is checked against before it gets its name.
    package init(path: String, task: TaskID, verifying digests: [Digest], threads: WorkerThreads) {
        self.path = path
        self.task = task
        self.digests = digests
        self.threads = threads
        notes = TargetNotes(target: path)
    }

    /// Takes up what an earlier run has left of the same task.
    package func resume() async throws(StoreError) {
        guard let saved = TargetFile.saved(at: path), saved.task == task, !saved.pieces.isEmpty else { return }
        let target = try await TargetFile.open(
            path: path,
            task: task,
            generation: saved.generation,
            layout: saved.layout,
            threads: threads
        )
        let record = notes.record(of: saved.generation)
        state.withLock { state in
            state.target = target
            state.record = record
        }
    }

    package var keepsFile: Bool { true }

    /// The file as it is now; nil before there is one.
    package var file: PieceFile? { state.withLock { $0.target?.file } }
    package var record: OriginRecord? { state.withLock { $0.record } }

    package func earlier() -> (file: PieceFile, record: OriginRecord)? {
        state.withLock { state in
            guard let file = state.target?.file, !file.committed.isEmpty, let record = state.record
            else { return nil }
            return (file, record)
        }
    }

    package func complete() -> (file: PieceFile, record: OriginRecord)? { nil }

    package func create(
        _ record: OriginRecord,
        generation: Generation,
        layout: PieceLayout
    ) throws(StoreError) -> PieceFile {
        try replace(record, generation, layout)
    }

    package func open(
        _ record: OriginRecord,
        generation: Generation,
        layout: PieceLayout
    ) throws(StoreError) -> PieceFile {
        try open(record, generation: generation, layout: layout, keepsForeign: true)
    }

    /// The same; `keepsForeign`: pieces of another generation stay, in doubt until a supernode's manifest confirms them.
    func open(
        _ record: OriginRecord,
        generation: Generation,
        layout: PieceLayout,
        keepsForeign: Bool
    ) throws(StoreError) -> PieceFile {
        if let file, file.generation == generation, file.layout.pieceSize == layout.pieceSize {
            notes.write(record, of: generation)
            state.withLock { $0.record = record }
            return file
        }
        return try replace(record, generation, layout, keepsForeign: keepsForeign)
    }

    package func finish(_ file: PieceFile, expected: [Digest], verified: Bool) async throws(StoreError) {
        for digest in Set(digests + (verified ? [] : expected)) {
            let found = try await file.contentDigest(digest.algorithm)
            guard found == digest else {
                throw StoreError(.contentMismatch, "the content is \(found), not \(digest)")
            }
        }
        guard let target = state.withLock({ $0.target }), target.file === file else {
            throw StoreError(.closed, "the output has been given up")
        }
        try target.finish()
        notes.remove()
        state.withLock { $0.isFinished = true }
    }

    /// Gives the output up unless it is finished: what is committed stays for the next run if `keep`, or goes.
    package func abandon(keep: Bool) {
        guard let target = state.withLock({ $0.isFinished ? nil : $0.target.take() }) else { return }
        let keeps = keep && !target.file.committed.isEmpty
        target.abandon(keep: keeps)
        if !keeps { notes.remove() }
    }

    private func replace(
        _ record: OriginRecord,
        _ generation: Generation,
        _ layout: PieceLayout,
        keepsForeign: Bool = false
    ) throws(StoreError) -> PieceFile {
        if let old = state.withLock({ $0.target.take() }) {
            // Its readers are to know why it ends.
            let change = WireError(.generationMismatch, "the content changed while it was read")
            old.file.fail(StoreError(.failed, "another version is being fetched", cause: change))
            old.abandon(keep: keepsForeign)
        }
        let target = try openNow(generation, layout, keepsForeign)
        notes.write(record, of: generation)
        for digest in digests { target.file.startContentHash(digest.algorithm) }
        state.withLock { state in
            state.target = target
            state.record = record
        }
        return target.file
    }

    /// Opens without waiting: that is only needed for pieces of before a reboot, which ``resume()`` has dealt with.
    private func openNow(
        _ generation: Generation,
        _ layout: PieceLayout,
        _ keepsForeign: Bool
    ) throws(StoreError) -> TargetFile {
        let opened = Opened()
        let (path, task, threads) = (path, task, threads)
        Task.immediate {
            do throws(StoreError) {
                let target = try await TargetFile.open(
                    path: path,
                    task: task,
                    generation: generation,
                    layout: layout,
                    keepsForeign: keepsForeign,
                    threads: threads
                )
                opened.result.withLock { $0 = .success(target) }
            } catch {
                opened.result.withLock { $0 = .failure(error) }
            }
        }
        guard let result = opened.result.withLock({ $0 }) else {
            throw StoreError(.failed, "\(path) is being changed by somebody else")
        }
        return try result.get()
    }

    private final class Opened: Sendable {
        let result = Mutex<Result<TargetFile, StoreError>?>(nil)
    }
}
