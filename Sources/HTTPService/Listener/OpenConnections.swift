import NIOCore
import Synchronization

/// The open connections of a listener, so that a shutdown can reach them.
final class OpenConnections: Sendable {
    private struct State {
        var channels: [ObjectIdentifier: any Channel] = [:]
        /// Those that were opened when there were as many as there may be.
        var surplus: Set<ObjectIdentifier> = []
        /// Those that have turned to TLS on behalf of another server.
        var intercepted: Set<ObjectIdentifier> = []
        var leaving = false
        var draining = false
        var closing = false
    }

    private let state = Mutex(State())
    private let most: Int

    /// `most`: how many there may be.
    init(most: Int) { self.most = most }

    /// Whether a connection is one too many: what it asks for is refused.
    func isSurplus(_ channel: any Channel) -> Bool {
        state.withLock { !$0.surplus.isEmpty && $0.surplus.contains(ObjectIdentifier(channel)) }
    }

    /// From now on what comes over the connection is meant for another server, and encrypted.
    func noteInterception(of channel: any Channel) {
        state.withLock { state in
            // A connection that is gone already is taken out only once.
            guard state.channels[ObjectIdentifier(channel)] != nil else { return }
            state.intercepted.insert(ObjectIdentifier(channel))
        }
    }

    /// Whether requests over the connection are meant for another server, and encrypted.
    func isIntercepted(_ channel: any Channel) -> Bool {
        state.withLock { !$0.intercepted.isEmpty && $0.intercepted.contains(ObjectIdentifier(channel)) }
    }

    /// Whether a graceful shutdown has begun: responses then say that the connection ends.
    var isLeaving: Bool { state.withLock(\.leaving) }

    /// From now on connections end with the next response, and new ones are served still.
    func leave() { state.withLock { $0.leaving = true } }

    func add(_ channel: any Channel) {
        let (draining, closing) = state.withLock { state in
            if state.channels.count >= most { state.surplus.insert(ObjectIdentifier(channel)) }
            state.channels[ObjectIdentifier(channel)] = channel
            return (state.draining, state.closing)
        }
        if closing {
            channel.close(promise: nil)
        } else if draining {
            Self.quiesce(channel)
        }
    }

    func remove(_ channel: any Channel) {
        state.withLock { state in
            state.channels[ObjectIdentifier(channel)] = nil
            state.surplus.remove(ObjectIdentifier(channel))
            state.intercepted.remove(ObjectIdentifier(channel))
        }
    }

    /// Idle connections close now, the others behind their running response.
    func drain() {
        let channels = state.withLock { state in
            state.draining = true
            return Array(state.channels.values)
        }
        for channel in channels { Self.quiesce(channel) }
    }

    /// Closes all, whatever they do.
    func close() {
        let channels = state.withLock { state in
            state.draining = true
            state.closing = true
            return Array(state.channels.values)
        }
        for channel in channels { channel.close(promise: nil) }
    }

    private static func quiesce(_ channel: any Channel) {
        channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    }
}
