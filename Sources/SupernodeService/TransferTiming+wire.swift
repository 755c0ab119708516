import SwarmScheduling
import WireAPI

extension TransferTiming {
    /// What a peer says of a piece; nil where it says nothing.
    ///
    /// Whatever it says, nothing takes longer than an hour.
    init?(_ piece: TaskReport.FinishedPiece) {
        guard let body = piece.body else { return nil }
        let longest: Int64 = 3_600_000_000
        self.init(body: .microseconds(min(body, longest)), queued: .microseconds(min(piece.queued ?? 0, longest)))
    }
}
