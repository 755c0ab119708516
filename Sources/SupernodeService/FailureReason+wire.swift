import SwarmScheduling
import WireAPI

extension FailureReason {
    init(_ reason: TaskReport.Reason) {
        self =
            switch reason {
            case .unreachable: .unreachable
            case .timedOut: .timedOut
            case .refused: .refused
            case .generation: .generation
            case .wrongBytes: .wrongBytes
            case .local: .local
            }
    }
}

extension TaskReport.Reason {
    init(_ reason: FailureReason) {
        self =
            switch reason {
            case .unreachable: .unreachable
            case .timedOut: .timedOut
            case .refused: .refused
            case .generation: .generation
            case .wrongBytes: .wrongBytes
            case .local: .local
            }
    }
}
