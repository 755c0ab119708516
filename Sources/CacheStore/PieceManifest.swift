package import Content
internal import Synchronization

/// What another process needs beside an open descriptor to read a whole file's pieces.
package struct PieceManifest: Sendable, Codable {
    /// The task.
    package let task: TaskID
    /// The version of its content.
    package let generation: Generation
    /// The content's length in bytes.
    package let length: Int64
    /// The size of a piece in bytes.
    package let pieceSize: Int64
    /// The digests of all pieces, in order.
    package let pieces: [Digest]
    /// How the file looked when it was complete.
    package let stamp: FileStamp
}

extension PieceFile {
    /// The file's manifest; nil unless it is whole.
    package var manifest: PieceManifest? {
        let (layout, digests) = (layout, pieceDigests)
        guard let length = layout.length, let count = layout.pieceCount, digests.count == count,
            let stamp = seal.withLock({ $0 }) ?? (try? FileStamp(descriptor: descriptor))
        else { return nil }
        return PieceManifest(
            task: task,
            generation: generation,
            length: length,
            pieceSize: layout.pieceSize,
            pieces: (0..<count).compactMap { digests[PieceIndex($0)] },
            stamp: stamp
        )
    }

    /// A file that another process has completed, over a descriptor inherited from it; can only be read.
    ///
    /// Takes over the descriptor, except where it throws: `.corrupt` if the manifest contradicts itself or the file has
    /// been changed since.
    package convenience init(
        inherited descriptor: Int32,
        _ manifest: PieceManifest,
        threads: WorkerThreads
    ) throws(StoreError) {
        guard let layout = PieceLayout(length: manifest.length, pieceSize: manifest.pieceSize),
            layout.pieceCount == manifest.pieces.count
        else { throw StoreError(.corrupt, "the manifest contradicts itself") }
        guard try FileStamp(descriptor: descriptor) == manifest.stamp else {
            throw StoreError(.corrupt, "the file has been changed")
        }
        var checks: [PieceIndex: PieceCheck] = [:]
        for (number, digest) in manifest.pieces.enumerated() { checks[PieceIndex(number)] = .digest(digest) }
        self.init(
            task: manifest.task,
            generation: manifest.generation,
            layout: layout,
            descriptor: descriptor,
            checks: checks,
            contentHash: nil,
            isReadOnly: true,
            journal: nil,
            threads: threads
        )
        remember(manifest.stamp)
    }
}
