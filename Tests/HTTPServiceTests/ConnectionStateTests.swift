import NIOCore
import Testing

@testable import HTTPService

/// What becomes of a connection, event by event.
@Suite struct ConnectionStateTests {
    private typealias Event = ConnectionState.Event

    /// Events, and what follows from the last one.
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let events: [ConnectionState.Event]
        let action: ConnectionState.Action
        /// Whether what the client sends then is dropped.
        var drops = false
        /// Whether nothing is read then.
        var holds = false
        /// Whether the client is asked then if it is there still.
        var doubts = false
    }

    private static let ask: [Event] = [.requestHead(isLast: false), .requestEnd]
    private static let upload: [Event] = [.requestHead(isLast: false), .requestBody]
    private static let askLast: [Event] = [.requestHead(isLast: true), .requestEnd]
    private static let answer: [Event] = [.answerHead(closes: false), .answerEnd]
    private static let lastAnswer: [Event] = [.answerHead(closes: true), .answerEnd]

    static let cases = [
        Case(testDescription: "it is kept", events: ask + answer, action: .goOn),
        Case(testDescription: "the answer ends it", events: ask + lastAnswer, action: .close),
        Case(testDescription: "the answer comes before the body's end", events: upload + answer, action: .linger),
        Case(testDescription: "and ends it", events: upload + lastAnswer, action: .linger),
        Case(
            testDescription: "the body comes to its end all the same",
            events: upload + answer + [.requestEnd],
            action: .goOn
        ),
        Case(testDescription: "an answer before an upload", events: ask + upload + answer, action: .goOn),
        Case(testDescription: "one that ends it before an upload", events: ask + upload + lastAnswer, action: .linger),

        Case(testDescription: "refused", events: [.refused] + lastAnswer, action: .linger, drops: true),
        Case(
            testDescription: "the answer before a refusal",
            events: ask + [.refused] + answer,
            action: .goOn,
            drops: true
        ),
        Case(
            testDescription: "the refusal behind it",
            events: ask + [.refused] + answer + lastAnswer,
            action: .linger,
            drops: true
        ),
        Case(testDescription: "a broken body", events: upload + [.refused] + answer, action: .linger, drops: true),
        Case(
            testDescription: "the answer before that to a broken body",
            events: ask + upload + [.refused] + answer,
            action: .goOn,
            drops: true
        ),
        Case(
            testDescription: "a body that the client's end breaks",
            events: upload + [.inputEnd, .refused] + lastAnswer,
            action: .close
        ),

        Case(
            testDescription: "a client that has ended its side",
            events: ask + [.inputEnd],
            action: .goOn,
            doubts: true
        ),
        Case(
            testDescription: "its answer has begun",
            events: ask + [.inputEnd, .answerHead(closes: false)],
            action: .goOn
        ),
        Case(testDescription: "its answer is over", events: ask + [.inputEnd] + answer, action: .goOn),
        Case(
            testDescription: "the second is due",
            events: ask + ask + [.inputEnd] + answer,
            action: .goOn,
            doubts: true
        ),
        Case(testDescription: "answered below", events: [.answerBelow, .inputEnd], action: .goOn),
        Case(
            testDescription: "the second behind that",
            events: [.answerBelow] + ask + [.inputEnd, .answerBelowEnd],
            action: .goOn,
            doubts: true
        ),

        Case(testDescription: "behind a last request", events: askLast, action: .goOn, holds: true),
        Case(testDescription: "within it", events: [.requestHead(isLast: true), .requestBody], action: .goOn),
        Case(testDescription: "an answer before it", events: ask + askLast + answer, action: .goOn, holds: true),
        Case(testDescription: "it is declined", events: askLast + lastAnswer, action: .endOutputAndLinger, drops: true),
        Case(
            testDescription: "declined behind an answer below",
            events: [.answerBelow] + askLast + lastAnswer,
            action: .endOutputAndLinger,
            drops: true
        ),
        Case(
            testDescription: "declined where nothing more comes",
            events: askLast + [.inputEnd] + lastAnswer,
            action: .close,
            drops: true
        ),
        Case(testDescription: "taken", events: askLast + [.takeover], action: .goOn, holds: true),
        Case(testDescription: "and given back", events: askLast + [.takeover, .answerEnd], action: .read),
        Case(
            testDescription: "given back with all that the client has sent",
            events: askLast + [.inputEnd, .takeover, .answerEnd] + ask,
            action: .goOn,
            doubts: true
        ),
    ]

    @Test(arguments: cases) func follows(expected: Case) {
        var state = ConnectionState(openedAt: .distantPast)
        var action = ConnectionState.Action.goOn
        for event in expected.events { action = state.handle(event, at: .distantPast) }
        #expect(action == expected.action)
        #expect(state.dropsInput == expected.drops)
        #expect(state.hasLastRequest == expected.holds)
        #expect(state.doubtsClient == expected.doubts)
    }

    @Test(
        "Time counts from the last use, and not for who waits",
        arguments: [
            ([], false), (ask, true), (ask + answer, false), (upload, false), (ask + upload, false),
            (upload + [.refused], false), (ask + [.refused], true), ([.answerBelow], true),
            ([.answerBelow, .answerBelowEnd], false), (ask + [.inputEnd], false),
            (ask + [.inputEnd, .answerHead(closes: true)], true), (askLast + [.inputEnd, .takeover], true),
        ] as [([ConnectionState.Event], Bool)]
    )
    func idleness(events: [ConnectionState.Event], waits: Bool) {
        let (opened, used, now) = (time(0), time(1), time(9))
        var state = ConnectionState(openedAt: opened)
        for event in events { _ = state.handle(event, at: used) }
        #expect(state.lastUse == (events.isEmpty || events == [.answerBelow] ? opened : used))
        #expect(state.lastUse(at: now) == (waits ? now : state.lastUse))
        #expect((state.lastUse == now) == waits)
    }

    private func time(_ seconds: UInt64) -> NIODeadline { .uptimeNanoseconds(seconds * 1_000_000_000) }
}
