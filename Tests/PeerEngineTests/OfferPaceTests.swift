import Testing

@testable import PeerEngine

@Suite struct OfferPaceTests {
    @Test(
        "What is not wanted is offered again ever more seldom, and by one node no more often than once in a second",
        arguments: [(1, 1, 1), (2, 1, 2), (3, 1, 4), (6, 1, 30), (1000, 1, 30), (1, 500, 500), (9, 500, 500)]
    )
    func delay(failures: Int, waiting: Int, seconds: Int) {
        #expect(OfferPace.delay(after: failures, waiting: waiting, chance: 1) == .seconds(seconds))
        #expect(OfferPace.delay(after: failures, waiting: waiting, chance: 0) == .seconds(seconds) / 2)
    }
}
