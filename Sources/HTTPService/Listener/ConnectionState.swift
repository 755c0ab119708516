import NIOCore

/// What is to become of a connection, by what was asked and answered over it (RFC 9112 §9): decisions alone, for a
/// ``ConnectionGuard`` to act on.
struct ConnectionState {
    /// What happens on a connection.
    enum Event: Hashable {
        /// `isLast`: another protocol is meant to follow the request.
        case requestHead(isLast: Bool)
        case requestBody
        case requestEnd
        /// What came was no request, or stopped being one.
        case refused
        /// The client sends nothing more.
        case inputEnd
        /// `closes`: the answer says that the connection ends with it.
        case answerHead(closes: Bool)
        /// The request that is due gets something else in the place of an answer.
        case takeover
        case answerEnd
        /// A request that nobody here sees is being answered.
        case answerBelow
        case answerBelowEnd
    }

    /// What is to be done with the connection.
    enum Action: Hashable {
        /// Nothing but what is under way.
        case goOn
        /// Something else has its place on the connection, and reads.
        case read
        /// The client gets a moment to read what it was sent, as closing at once would lose that; what it sends is read and dropped.
        case linger
        /// The same, and it is told at once that nothing more comes.
        case endOutputAndLinger
        case close
    }

    /// Where the decoder is in what the client sends.
    private enum Input {
        case betweenRequests
        case withinRequest(isLast: Bool)
        /// Behind it nothing is read, as the decoder would keep it all.
        case behindLastRequest
        /// What comes is of no use any more. `breaksRequest`: a request has no end.
        case dropped(breaksRequest: Bool)
    }

    /// How far the answer is that is due.
    private enum Answer {
        case awaited
        case begun(closes: Bool)
        case takenOver
    }

    private var input = Input.betweenRequests
    private var inputHasEnded = false
    /// Requests whose answer is not over.
    private var unanswered = 0
    private var answer = Answer.awaited
    private var isAnsweredBelow = false
    /// When anything was last asked or answered.
    private(set) var lastUse: NIODeadline

    init(openedAt now: NIODeadline) { lastUse = now }

    /// Takes in what happens, and says what follows from it.
    mutating func handle(_ event: Event, at now: NIODeadline) -> Action {
        switch event {
        case .requestHead(let isLast):
            unanswered += 1
            input = .withinRequest(isLast: isLast)
            lastUse = now
        case .requestBody: lastUse = now
        case .requestEnd:
            endRequest()
            lastUse = now
        case .refused where !inputHasEnded: input = .dropped(breaksRequest: isWithinRequest)
        case .refused: break
        case .inputEnd:
            inputHasEnded = true
            endRequest()
        case .answerHead(let closes): answer = .begun(closes: closes)
        case .takeover: answer = .takenOver
        case .answerEnd:
            lastUse = now
            return endAnswer()
        case .answerBelow: isAnsweredBelow = true
        case .answerBelowEnd:
            isAnsweredBelow = false
            lastUse = now
        }
        return .goOn
    }

    private mutating func endRequest() {
        switch input {
        case .withinRequest(isLast: true): input = .behindLastRequest
        case .withinRequest(isLast: false): input = .betweenRequests
        case .dropped: input = .dropped(breaksRequest: false)
        case .betweenRequests, .behindLastRequest: break
        }
    }

    private mutating func endAnswer() -> Action {
        // That of what was no request answers none.
        unanswered = max(0, unanswered - 1)
        let ended = answer
        answer = .awaited
        switch (ended, input) {
        case (.takenOver, _):
            input = .betweenRequests
            return .read
        case (_, .behindLastRequest) where unanswered == 0:
            input = .dropped(breaksRequest: false)
            return inputHasEnded ? .close : .endOutputAndLinger
        case (.begun(closes: true), _): return isWithinRequest || dropsInput ? .linger : .close
        // A request that is not answered yet may go on.
        default: return isWithinRequest && unanswered == 0 ? .linger : .goOn
        }
    }

    // MARK: What is asked of it

    /// Whether the client has sent a request to which it has not sent the end.
    private var isWithinRequest: Bool {
        switch input {
        case .withinRequest, .dropped(breaksRequest: true): true
        default: false
        }
    }

    private var isBeingAnswered: Bool {
        if case .awaited = answer { isAnsweredBelow } else { true }
    }

    private var awaitsAnswer: Bool { unanswered > 0 || isAnsweredBelow }

    /// Whether the decoder has come to the end of a request behind which another protocol is meant to follow.
    var hasLastRequest: Bool {
        if case .behindLastRequest = input { true } else { false }
    }

    /// Whether what the client sends is of no use any more.
    var dropsInput: Bool {
        if case .dropped = input { true } else { false }
    }

    /// Whether only an interim answer can tell that the client is there still, and is possible.
    var doubtsClient: Bool { inputHasEnded && unanswered > 0 && !isBeingAnswered }

    /// The same, but that who waits for an answer asks all the time.
    mutating func lastUse(at now: NIODeadline) -> NIODeadline {
        // It has asked for all that it will, unless nobody is there any more: clients of HTTP/1.0 get no interim answers.
        let waits = !isWithinRequest && (isBeingAnswered || !inputHasEnded)
        if awaitsAnswer, waits { lastUse = now }
        return lastUse
    }
}
