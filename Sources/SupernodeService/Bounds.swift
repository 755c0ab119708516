/// The most that clients can make a supernode remember: far beyond what a cluster needs, so not a matter of configuration.
package struct Bounds: Sendable {
    /// Registered peers.
    package var peers = 50_000
    /// Tasks at work.
    package var tasks = 50_000
    /// Tasks that one peer takes part in.
    package var tasksOfPeer = 10_000
    /// Blocked nodes.
    package var blocks = 10_000
    /// Labels of a peer.
    package var labels = 16
    /// Bytes of a peer's name, and of each label's name and value.
    package var text = 256
    /// Bytes of a registration and of a request to join: of what is kept of it, credentials are the largest part.
    package var registration = 64 << 10
    /// Bytes of an exchange.
    package var exchange = 4 << 20
}
