import HTTPService
import Hummingbird
import PeerEngine
import TestSupport
import Testing
import WireAPI

@testable import ContentProxy

@Suite(.timeLimit(.minutes(1))) struct SilenceTests {
    private let origin = Silence(of: "http://o.test:80", most: .milliseconds(20))
    private let registry = Silence(of: "https://r.test", registry: "r", most: .milliseconds(20))

    /// Answers nothing until it is cancelled.
    private static func nothing() async throws -> Response {
        await TestEvent().wait()
        throw CancellationError()
    }

    @Test("Whoever is silent for too long is named to the client, whichever way it was asked")
    func late() async throws {
        for (silence, name) in [(origin, "http://o.test:80"), (registry, "the registry r (https://r.test)")] {
            let error = await #expect(throws: APIError.self) { try await Optional(silence).answering(Self.nothing) }
            #expect(error?.status == .gatewayTimeout)
            #expect(error?.code == Silence.code)
            #expect(error?.message == "\(name) has said nothing for 0.02 seconds")
            let other = await #expect(throws: DownloadError.self) {
                try await silence.bounding { () async throws(DownloadError) in
                    await TestEvent().wait()
                    throw DownloadError(.cancelled, "cancelled")
                }
            }
            #expect(other?.isSilence == true)
            #expect(other?.message == error?.message)
        }
    }

    @Test("An answer and an error go through, with and without a bound")
    func intime() async throws {
        for silence in [Silence(of: "http://o.test", most: .seconds(60)), nil] {
            let answer = try await silence.answering { Response(status: .notFound) }
            #expect(answer.status == .notFound)
            let error = await #expect(throws: APIError.self) {
                try await silence.answering { throw APIError.badRequest("no") }
            }
            #expect(error?.message == "no")
        }
    }

    @Test("Time begins anew with each word")
    func words() async throws {
        var silence = Silence(of: "http://o.test", most: .seconds(60), from: .now - .seconds(61))
        await #expect(throws: Stalled.self) { try await silence.limiting(Self.nothing) }
        silence.isBroken()
        #expect(try await silence.limiting { 1 } == 1)
    }
}
