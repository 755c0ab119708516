internal import NIOCore
internal import Synchronization

/// The open connections of a ``ScriptedServer``, so that its end reaches those, too, that nobody has taken in yet.
final class OpenChannels: Sendable {
    private struct State {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var isOver = false
    }

    private let state = Mutex(State())

    /// Keeps `owner` until the channel is closed: NIO traps where it goes while the channel is open.
    func add(_ channel: any Channel, of owner: some Sendable) {
        let isOver = state.withLock { state in
            state.channels[ObjectIdentifier(channel)] = channel
            return state.isOver
        }
        channel.closeFuture.whenComplete { _ in
            self.state.withLock { _ = $0.channels.removeValue(forKey: ObjectIdentifier(channel)) }
            withExtendedLifetime(owner) {}
        }
        if isOver { channel.close(promise: nil) }
    }

    /// Closes all there are and all that still come.
    func close() {
        let channels = state.withLock { state in
            state.isOver = true
            return Array(state.channels.values)
        }
        for channel in channels { channel.close(promise: nil) }
    }
}
