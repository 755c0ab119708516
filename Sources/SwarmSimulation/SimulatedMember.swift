/// A host's part in one task, as child and as parent.
struct SimulatedMember: Sendable {
    var held: [UInt64]
    var heldCount = 0
    /// What is assigned to it, on its way in an answer or known to it.
    var transfers: [Int32] = []
    /// How many pieces it was last said to take altogether.
    var toldWindow = 0
    var finished: [FinishedNews] = []
    var failed: [FailedNews] = []
    var ending: [Int32] = []
    var late: [Int32] = []

    /// As a parent: requests in line, and how many bodies it sends.
    var line: [Int32] = []
    var sending = 0

    /// At the supernode: assignments not sent yet, and how many the last two answers carried.
    var pending = 0
    var carried: (sequence: Int32, count: Int) = (-1, 0)
    var carriedBefore: (sequence: Int32, count: Int) = (-1, 0)

    func holds(_ piece: Int) -> Bool { held[piece >> 6] & (1 << UInt64(piece & 63)) != 0 }

    mutating func hold(_ piece: Int) {
        held[piece >> 6] |= 1 << UInt64(piece & 63)
        heldCount += 1
    }

    /// How many of the assignments that a call does not know of its answers may still bring.
    func onTheWay(in call: Int32) -> Int {
        guard call >= 0 else { return 0 }
        return carried.sequence == call ? carried.count : carriedBefore.sequence == call ? carriedBefore.count : 0
    }
}
