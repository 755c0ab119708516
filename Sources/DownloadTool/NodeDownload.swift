import CacheStore
import Content
import CurlTransport
import NodeControl
import PeerEngine
import WireAPI

/// A download through this machine's dfdaemon: the bytes come over its control socket, and dfget writes them with its own
/// rights.
struct NodeDownload: Sendable {
    private let client: NodeControlClient
    private let wanted: NodeDownloadRequest
    private let digest: Digest?
    private let output: DownloadOutput
    private let sink: NodeContentSink

    /// `limit`: bytes a second; nil for none.
    init(_ client: NodeControlClient, _ order: DownloadOrder, limit: Int64?, to output: DownloadOutput) {
        self.client = client
        var wanted = order.nodeRequest
        wanted.limit = limit
        self.wanted = wanted
        digest = order.digest
        self.output = output
        sink = NodeContentSink(output)
    }

    /// Nil where no daemon answers, or it ends before the content does: what is here already is good for another way.
    func run() async throws -> DownloadOutcome? {
        switch output {
        case .file(let destination): try await destination.resume()
        case .stream(let output): try await output.open()
        }
        var version = 1
        while true {
            do {
                guard try await transferred() else { return nil }
                try await finish()
                return await outcome()
            } catch let error as WireError where error.code == .generationMismatch {
                guard version < DownloadOutput.mostVersions, canStartAnew else { throw error }
                version += 1
            }
        }
    }

    /// Returns whether the node has sent the content to its end; false: somebody else may do better.
    private func transferred() async throws -> Bool {
        var reason: WireError?
        do {
            try await transfer()
            reason = sink.failure
            if reason == nil { return true }
        } catch let error as TransferError where [.cannotConnect, .closedEarly].contains(error.code) {
            // A body that breaks off does not say why; the node does, if it is still there.
            reason = if let id = sink.id { try? await client.status(of: id).error } else { nil }
            guard reason != nil || canStartAnew else { throw error }
        }
        guard let reason, !canStartAnew || Self.isFinal(reason) else { return false }
        throw reason
    }

    /// What has gone out can not be taken back.
    private var canStartAnew: Bool {
        if case .stream(let output) = output { output.count == 0 } else { true }
    }

    /// Whether it is not about the node's own end: nobody else could do better, or should do it instead.
    private static func isFinal(_ error: WireError) -> Bool {
        ![.internalError, .shuttingDown, .cancelled].contains(error.code)
    }

    private func finish() async throws {
        switch output {
        case .file(let destination):
            guard let file = sink.file else { throw ToolFailure(.failure, "the node sent nothing") }
            guard file.isWhole else { throw ToolFailure(.network, "the node ended the content too early") }
            try await destination.finish(file, expected: [], verified: true)
        case .stream(let output):
            try output.finish()
        }
    }

    /// How far it is; `asking`: ask the node where the bytes come from.
    func progress(asking: Bool) async -> DownloadProgress {
        let (bytes, length) = sink.progress
        var from = ByteOrigins()
        if asking, let id = sink.id, let status = try? await client.status(of: id) { from = status.from }
        return DownloadProgress(bytes: bytes, length: length, from: from)
    }

    private func transfer() async throws {
        let written = sink.begin()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await piece in written { try await sink.file?.commit(piece, expecting: nil) }
            }
            group.addTask {
                defer { sink.close() }
                _ = try await client.download(wanted, continuing: continuing, into: sink)
                if sink.failure == nil { try sink.end() }
            }
            try await group.waitForAll()
        }
    }

    /// The gapless beginning that is here already.
    private var continuing: (offset: Int64, generation: Generation)? {
        guard case .file(let destination) = output, let file = destination.file else { return nil }
        let count = file.committed.contiguousCount()
        guard count > 0, let range = file.layout.range(of: PieceIndex(count - 1)) else { return nil }
        // Of a whole file, the last piece is fetched again: there must be something to ask for.
        let end = range.end == file.layout.length ? range.offset : range.end
        return end > 0 ? (end, file.generation) : nil
    }

    private func outcome() async -> DownloadOutcome {
        let bytes = sink.progress.bytes
        let status = if let id = sink.id { try? await client.status(of: id) } else { NodeDownloadStatus?.none }
        return DownloadOutcome(
            bytes: bytes,
            digest: (digest ?? sink.digest)?.description,
            from: status?.from ?? ByteOrigins(cache: bytes)
        )
    }
}
