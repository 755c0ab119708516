import Content
import HTTPTypes
import Logging
import NIOCore
import Synchronization

/// The file that is the whole body of an answer which the same client may get again, for a moment, without anybody being asked.
package struct RepeatableBody: Sendable {
    let slice: FileSlice
    /// Counts one more such answer.
    package var count: @Sendable () -> Void = {}

    /// The given bytes of a file.
    package init(_ slice: FileSlice) { self.slice = slice }
}

/// Answers that are given again as they are: for small files that many ask for, reading the request, finding and permitting
/// takes longer than sending.
///
/// An answer is given again for a second after it was made the long way; then one request makes it anew while the others still get
/// the old one, for a second at most. So it is as good as one that took so much longer.
final class RepeatedAnswers: Sendable {
    /// What has to be the same.
    struct Key: Hashable, Sendable {
        /// The client's address, without its port.
        let client: String?
        /// The request as it came.
        let text: ByteBuffer
    }

    /// An answer as it left.
    final class Answer: Sendable {
        /// Head and body.
        let bytes: ByteBuffer
        /// Bytes of the body.
        let length: Int64
        let made: NIODeadline
        /// What the access log has of it.
        let line: Logger.Metadata
        /// The same in a few entries instead of a dozen, between which there is room for those that differ each time.
        ///
        /// Sorting and joining them would take longer than all the rest of such an answer.
        let condensedLine: Logger.Metadata
        /// Counts one more.
        let count: @Sendable () -> Void

        /// Nil if what `request` got, which came as `text`, is no answer for another one.
        init?(
            to request: HTTPRequest,
            _ text: ByteBuffer,
            _ head: ByteBuffer,
            _ body: ByteBuffer,
            made: NIODeadline,
            _ line: Logger.Metadata,
            _ count: @escaping @Sendable () -> Void
        ) {
            guard Self.isPossible(to: request, text, head, length: body.readableBytes) else { return nil }
            var bytes = ByteBufferAllocator().buffer(capacity: head.readableBytes + body.readableBytes)
            bytes.writeImmutableBuffer(head)
            bytes.writeImmutableBuffer(body)
            self.bytes = bytes
            length = Int64(body.readableBytes)
            self.made = made
            self.line = line
            condensedLine = Self.condensed(line)
            self.count = count
        }

        /// Whether what `request` got, which came as `text`, may be an answer for another one.
        ///
        /// It may be where nothing in the request but its method, its target and fields that choose between nothing here asks for
        /// anything, and where the head is that of an ordinary answer after which the connection goes on.
        static func isPossible(to request: HTTPRequest, _ text: ByteBuffer, _ head: ByteBuffer, length: Int) -> Bool {
            guard request.method == .get, request.scheme == nil,
                request.headerFields.allSatisfy({ RepeatedAnswers.plain.contains($0.name) }),
                String(buffer: text).prefix(while: { $0 != "\r\n" }).hasSuffix(" HTTP/1.1")
            else { return false }
            let lines = String(buffer: head).lowercased()
            return lines.hasPrefix("http/1.1 200 ") && lines.hasSuffix("\r\n\r\n")
                && lines.contains("\r\ncontent-length: \(length)\r\n") && !lines.contains("\r\nconnection:")
        }

        private static func condensed(_ line: Logger.Metadata) -> Logger.Metadata {
            let entries = line.sorted { $0.key < $1.key }.filter { !["ms", "remote"].contains($0.key) }
            let groups = [
                entries.filter { $0.key < "ms" }, entries.filter { "ms" < $0.key && $0.key < "remote" },
                entries.filter { "remote" < $0.key },
            ]
            var condensed: Logger.Metadata = [:]
            for group in groups {
                guard let first = group.first else { continue }
                condensed[first.key] = "\(first.value)\(group.dropFirst().map { " \($0.key)=\($0.value)" }.joined())"
            }
            return condensed
        }
    }

    /// The fields that change nothing about such an answer, or did not the first time: any other field is somebody else's to
    /// look at.
    private static let plain: Set<HTTPField.Name> = [
        .accept, .acceptEncoding, .acceptLanguage, .authorization, .userAgent,
    ]

    static let time = TimeAmount.seconds(1)
    /// The most bytes of answers that are kept, and of one body.
    static let most = 16 << 20
    static let longest: Int64 = 256 << 10

    private struct State {
        var answers: [Key: Kept] = [:]
        var bytes = 0

        func lacks(_ key: Key) -> Bool { answers[key]?.isBeingRenewed ?? true }
    }

    private struct Kept {
        let answer: Answer
        var isBeingRenewed = false
    }

    private let state = Mutex(State())

    /// The answer to give; nil: there is none, or this request is the one that is to renew it.
    func answer(_ key: Key, at now: NIODeadline) -> Answer? {
        state.withLock { state in
            guard let kept = state.answers[key] else { return nil }
            if now < kept.answer.made + Self.time || kept.isBeingRenewed { return kept.answer }
            state.answers[key]?.isBeingRenewed = true
            return nil
        }
    }

    /// Whether an answer that is made now would be kept: there is none, or it is to be made anew.
    func lacks(_ key: Key) -> Bool { state.withLock { $0.lacks(key) } }

    /// Keeps an answer that was made just now.
    func keep(_ answer: Answer, for key: Key, on loop: any EventLoop) {
        let isKept = state.withLock { state in
            let known = state.answers[key]
            let bytes = state.bytes + answer.bytes.readableBytes - (known?.answer.bytes.readableBytes ?? 0)
            guard state.lacks(key), bytes <= Self.most else { return false }
            state.bytes = bytes
            state.answers[key] = Kept(answer: answer)
            return true
        }
        guard isKept else { return }
        loop.scheduleTask(deadline: answer.made + Self.time * 2) { [answers = self] in answers.forget(key, answer) }
    }

    private func forget(_ key: Key, _ answer: Answer) {
        state.withLock { state in
            guard state.answers[key]?.answer === answer else { return }
            state.answers[key] = nil
            state.bytes -= answer.bytes.readableBytes
        }
    }
}
