import Content
import PeerEngine
import Synchronization
import WireAPI

/// The downloads that clients can ask about: those under way, and the last that have ended.
final class DownloadTable: Sendable {
    private struct State {
        var running: [PeerID: TaskDownload] = [:]
        var ended: [PeerID: NodeDownloadStatus] = [:]
        var order: [PeerID] = []
    }

    private let state = Mutex(State())
    private let remembered: Int

    /// `remembered`: how many ended ones are kept.
    init(remembered: Int = 256) { self.remembered = remembered }

    /// A name for a download: random, as nobody else may guess it.
    func add(_ download: TaskDownload) -> PeerID {
        let id = PeerID()
        state.withLock { $0.running[id] = download }
        return id
    }

    /// `reason`: why its content came to no end.
    func end(_ id: PeerID, _ reason: WireError?) {
        state.withLock { state in
            guard let download = state.running.removeValue(forKey: id) else { return }
            var status = Self.status(of: download, ended: true)
            status.error = reason ?? status.error
            state.ended[id] = status
            state.order.append(id)
            if state.order.count > remembered { state.ended[state.order.removeFirst()] = nil }
        }
    }

    func status(of id: PeerID) -> NodeDownloadStatus? {
        state.withLock { state in state.running[id].map { Self.status(of: $0, ended: false) } ?? state.ended[id] }
    }

    private static func status(of download: TaskDownload, ended: Bool) -> NodeDownloadStatus {
        let (bytes, length, origins) = download.progress
        return NodeDownloadStatus(
            from: origins,
            bytes: max(bytes, origins.total),
            length: length,
            ended: ended,
            error: download.failure?.atNode
        )
    }
}
