import CacheStore
import Content
import CurlTransport
import NodeControl
import OriginFetch
import Synchronization
import WireAPI

/// Takes the content that a node sends, into the output's file or stream.
final class NodeContentSink: TransferSink {
    private struct State {
        var status = 0
        var error: [UInt8] = []
        var id: String?
        var digest: Digest?
        var length: Int64?
        var file: PieceFile?
        var position: Int64 = 0
        /// Pieces whose bytes are all written.
        var written: AsyncStream<PieceIndex>.Continuation?
    }

    private let output: DownloadOutput
    private let state = Mutex(State())

    init(_ output: DownloadOutput) { self.output = output }

    /// Another transfer begins.
    ///
    /// Returns the pieces whose bytes are all written, as they come.
    func begin() -> AsyncStream<PieceIndex> {
        let (pieces, input) = AsyncStream.makeStream(of: PieceIndex.self)
        state.withLock { $0 = State(written: input) }
        return pieces
    }

    var id: String? { state.withLock { $0.id } }
    var digest: Digest? { state.withLock { $0.digest } }
    var file: PieceFile? { state.withLock { $0.file } }
    var progress: (bytes: Int64, length: Int64?) { state.withLock { ($0.position, $0.length) } }

    /// What the node answered instead of content.
    var failure: WireError? {
        let (status, error) = state.withLock { ($0.status, $0.error) }
        if status == 200 || status == 206 { return nil }
        return NodeControlClient.error(in: error) ?? WireError(.internalError, "the node answered \(status)")
    }

    func receive(head: TransferHead) throws {
        state.withLock { $0.status = head.status }
        guard head.status == 200 || head.status == 206 else { return }
        let range = head.fields["Content-Range"].flatMap { ContentRange($0) }
        let start = head.status == 206 ? range?.range?.offset ?? -1 : 0
        guard start >= 0, let generation = head.fields[NodeField.generation].flatMap({ Generation($0) }),
            let pieceSize = head.fields[NodeField.pieceSize].flatMap({ Int64($0) })
        else { throw ToolFailure(.failure, "the node's answer is none of this protocol") }
        let length = head.status == 206 ? range?.length : head.contentLength
        let digest = head.fields[NodeField.digest].flatMap { Digest($0) }
        var file: PieceFile?
        if case .file(let destination) = output {
            guard let layout = PieceLayout(length: length, pieceSize: pieceSize) else {
                throw ToolFailure(.failure, "the node named an impossible piece size")
            }
            let record = OriginRecord(url: nil, digest: digest, openAccess: false)
            // The node names no digests of pieces: nothing of another generation may be this one's.
            file = try destination.open(record, generation: generation, layout: layout, keepsForeign: false)
            if let length { try file?.learn(length: length) }
        }
        state.withLock { state in
            state.id = head.fields[NodeField.download]
            state.digest = digest
            state.length = length
            state.file = file
            state.position = start
        }
    }

    func receive(_ bytes: UnsafeRawBufferPointer, control: TransferControl) throws -> SinkResult {
        let (status, file, position) = state.withLock { ($0.status, $0.file, $0.position) }
        guard status == 200 || status == 206 else {
            state.withLock { state in
                if state.error.count < 64 << 10 { state.error += bytes }
            }
            return .consumed
        }
        let end = position + Int64(bytes.count)
        switch output {
        case .stream(let output):
            try output.write(bytes)
        case .file:
            guard let file else { throw ToolFailure(.failure, "a body without a head") }
            try file.write(bytes, at: position)
            var piece = file.layout.piece(at: position)
            while let range = file.layout.range(of: piece), range.end <= end {
                tell(piece)
                piece = piece.next
            }
        }
        state.withLock { $0.position = end }
        return .consumed
    }

    /// The body has come to its end: nothing is missing.
    func end() throws(StoreError) {
        if let file, file.layout.length == nil {
            let length = state.withLock { $0.position }
            try file.learn(length: length)
            state.withLock { $0.length = length }
            if length % file.layout.pieceSize != 0 { tell(file.layout.piece(at: length - 1)) }
        }
    }

    /// No piece follows.
    func close() { state.withLock { $0.written }?.finish() }

    private func tell(_ piece: PieceIndex) { state.withLock { $0.written }?.yield(piece) }
}
