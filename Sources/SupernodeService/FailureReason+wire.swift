import SwarmScheduling
import WireAPI

extension FailureReason {
    init(_ reason: TaskReport.Reason) {
        self =
            switch reason {
            case .unreachable: .gone
            case .timedOut: .timedOut
            case .refused, .local: .refused
            case .generation: .generation
            case .wrongBytes: .wrongBytes
            }
    }
}
