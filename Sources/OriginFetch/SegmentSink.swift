import BackendAPI
import CacheStore
import Content
import Metrics

/// Writes one response into the file at its place and tells which pieces are whole.
final class SegmentSink: ContentSink, Sendable {
    private let run: FetchRun
    private let segment: Segment
    private let received = SegmentSink.received

    private static var received: Counter {
        Counter(label: "darter_received_bytes_total", dimensions: [("from", "origin")])
    }

    /// Has the count of what comes from origins begin, so that the first bytes are an increase.
    static func beginCount() { received.increment(by: 0) }

    init(run: FetchRun, segment: Segment) {
        self.run = run
        self.segment = segment
    }

    func begin(_ head: ContentHead) throws {
        try run.begin(head, for: segment)
    }

    func receive(_ bytes: UnsafeRawBufferPointer, flow: any FlowControl) throws -> SinkResult {
        guard let file = run.file else {
            throw BackendError(.protocolViolation, "a body without a head")
        }
        if let rest = segment.rest, Int64(bytes.count) > rest.count {
            throw BackendError(.protocolViolation, "the origin sent more bytes than it announced")
        }
        let offset = segment.position
        // An origin that knows no 304 sends what is here already, in a file that can be written no longer.
        if !file.isWhole { try file.write(bytes, at: offset, from: .origin) }
        _ = segment.advance(by: bytes.count)
        received.increment(by: bytes.count)
        tellWholePieces(file.layout, from: offset, to: offset + Int64(bytes.count))
        return .consumed
    }

    private func tellWholePieces(_ layout: PieceLayout, from offset: Int64, to end: Int64) {
        var piece = layout.piece(at: offset)
        while let range = layout.range(of: piece), range.end <= end {
            if range.offset >= segment.start { run.pieceWritten(piece) }
            piece = piece.next
        }
    }
}
