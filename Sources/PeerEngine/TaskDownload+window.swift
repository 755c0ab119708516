import Content
import OriginFetch
import Synchronization
import WireAPI

/// What the supernode is told of transfers under way.
extension TaskDownload {
    /// How many assignments this node takes at a time; how many it is given is the supernode's decision.
    func window(_ state: borrowing State) -> Int {
        state.outcome == nil && state.generation != nil ? configuration.window : 0
    }

    /// A transfer has come a step further.
    func advance(_ piece: PieceIndex, _ cancellation: OriginFetch.Cancellation, to moment: PieceFetcher.Moment) {
        let connection = state.withLock { state -> SupernodeConnection? in
            guard var transfer = state.active[piece], transfer.cancellation === cancellation else { return nil }
            switch moment {
            case .began(let queued):
                // Whatever the parent says: no longer than the request has been under way.
                transfer.queued = min(queued, transfer.asked.duration(to: .now))
            case .ending: break
            case .received(let duration):
                transfer.body = duration
                let time = transfer.asked.duration(to: .now)
                // The fast ones show what the link can do.
                state.usualTime = state.usualTime.map { min(time, $0 + (time - $0) / 16) } ?? time
            }
            // While it is checked its parent is free already.
            var isEnding = true
            if case .began = moment { isEnding = false }
            let isNews = isEnding && !transfer.isEnding
            if isNews {
                transfer.isEnding = true
                state.news.ending.insert(piece)
            }
            state.active[piece] = transfer
            return isNews ? state.connection : nil
        }
        connection?.tell()
    }

    /// Waits until the piece should have been there, and tells that it is late if not even a byte of it is.
    func watch(_ piece: PieceIndex, _ cancellation: OriginFetch.Cancellation) async {
        let time = state.withLock { $0.usualTime } ?? .seconds(1)
        guard (try? await Task.sleep(for: max(time * 2, .milliseconds(20)))) != nil else { return }
        let connection = state.withLock { state -> SupernodeConnection? in
            guard let transfer = state.active[piece], transfer.cancellation === cancellation, transfer.queued == nil
            else { return nil }
            state.news.late.insert(piece)
            return state.connection
        }
        connection?.tell()
    }
}
