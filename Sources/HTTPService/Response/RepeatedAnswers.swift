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

/// Answers that are given again as they are: for small files that many ask for, finding and permitting takes longer than
/// sending.
///
/// An answer is given again for a second after it was made the long way; then one request makes it anew while the others still get
/// the old one, for a second at most. So it is as good as one that took so much longer.
final class RepeatedAnswers: Sendable {
    /// What has to be the same.
    struct Key: Hashable, Sendable {
        /// The client's address, without its port.
        let client: String?
        let authority: String?
        let path: String
    }

    /// An answer as its handler made it.
    final class Answer: Sendable {
        let head: HTTPResponse
        let body: RepeatableBody
        /// What the access log has of it.
        let line: Logger.Metadata

        init(head: HTTPResponse, body: RepeatableBody, line: Logger.Metadata) {
            self.head = head
            self.body = body
            self.line = line
        }
    }

    static let time = TimeAmount.seconds(1)
    /// Each holds a file open.
    static let most = 256
    /// What takes longer to send than to find gains nothing.
    static let longest: Int64 = 8 << 20

    /// The fields that change nothing about such an answer, or did not the first time: any other field is somebody else's to
    /// look at.
    private static let plain: Set<HTTPField.Name> = [
        .accept, .acceptEncoding, .acceptLanguage, .authorization, .userAgent,
    ]

    private let answers = Mutex<[Key: Kept]>([:])

    /// What names the answer to a request; nil where it is one that is looked at each time.
    static func key(_ request: HTTPRequest, from client: RemoteAddress) -> Key? {
        guard request.method == .get, request.scheme == nil, let path = request.path,
            request.headerFields.allSatisfy({ plain.contains($0.name) })
        else { return nil }
        return Key(client: client.ip, authority: request.authority, path: path)
    }

    /// The answer to give; nil: there is none, or this request is the one that is to renew it.
    func answer(_ key: Key, at now: NIODeadline) -> Answer? {
        answers.withLock { answers in
            guard let kept = answers[key] else { return nil }
            if now < kept.made + Self.time || kept.isBeingRenewed { return kept.answer }
            answers[key]?.isBeingRenewed = true
            return nil
        }
    }

    /// Keeps an answer that was made just now.
    func keep(_ answer: Answer, for key: Key, on loop: any EventLoop, at now: NIODeadline) {
        guard answer.body.slice.range.count <= Self.longest else { return }
        let isKept = answers.withLock { answers in
            let known = answers[key]
            guard known?.isBeingRenewed ?? (answers.count < Self.most) else { return false }
            answers[key] = Kept(answer: answer, made: now)
            return true
        }
        guard isKept else { return }
        loop.scheduleTask(deadline: now + Self.time * 2) { [answers = self] in answers.forget(key, madeAt: now) }
    }

    private func forget(_ key: Key, madeAt time: NIODeadline) {
        answers.withLock { answers in
            if answers[key]?.made == time { answers[key] = nil }
        }
    }

    private struct Kept {
        let answer: Answer
        let made: NIODeadline
        var isBeingRenewed = false
    }
}
