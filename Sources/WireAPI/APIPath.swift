package import Content

/// The paths of the HTTP APIs.
///
/// Every one starts with `/api/v1/`.
package enum APIPath {
    /// `POST`: register a peer.
    ///
    /// `GET`: the registered peers.
    package static let peers = "/api/v1/peers"
    /// `GET`: the tasks.
    package static let tasks = "/api/v1/tasks"
    /// `GET`: the blocked nodes.
    package static let blocks = "/api/v1/blocks"
    /// `POST`: put a file into the supernode's store.
    package static let objects = "/api/v1/objects"
    /// `POST`, on a node's control socket: download through the node.
    package static let downloads = "/api/v1/downloads"
    /// `GET`, on a node's control socket: who owns it.
    package static let node = "/api/v1/node"

    /// `DELETE`: the peer leaves.
    package static func peer(_ peer: PeerID) -> String { "\(peers)/\(peer)" }

    /// `POST`: the peer's long-poll call.
    package static func exchange(_ peer: PeerID) -> String { "\(peers)/\(peer)/exchange" }

    /// `POST`: the peer joins a task.
    package static func tasks(of peer: PeerID) -> String { "\(peers)/\(peer)/tasks" }

    /// `POST`: the peer looks up what a name stands for at its origin now.
    package static func heads(of peer: PeerID) -> String { "\(peers)/\(peer)/heads" }

    /// `PUT`: the node is given to nobody as a parent.
    ///
    /// `DELETE`: it is again. `node`: a peer's identity, or `ip:port` of a node's pieces.
    package static func block(of node: String) -> String { "\(peers)/\(node)/block" }

    /// `GET`: one task.
    package static func task(_ task: TaskID) -> String { "\(tasks)/\(task)" }

    /// `GET`: which pieces of a generation a node holds.
    package static func pieces(_ task: TaskID, _ generation: Generation) -> String {
        "\(tasks)/\(task)/\(generation)/pieces"
    }

    /// `GET`: the first bytes of content that a supernode is fetching, before anything of it is verified.
    package static func opening(_ task: TaskID, _ generation: Generation) -> String {
        "\(tasks)/\(task)/\(generation)/opening"
    }

    /// `GET`: the bytes of one piece.
    package static func piece(_ task: TaskID, _ generation: Generation, _ piece: PieceIndex) -> String {
        "\(pieces(task, generation))/\(piece)"
    }
}

/// Header fields of our own.
package enum APIField {
    /// The permission to fetch a task's pieces from one parent.
    package static let ticket = "Darter-Ticket"
}

/// Versions of the protocol between peers and supernodes.
package enum ProtocolVersion {
    /// The versions this build speaks.
    package static let supported = [1]
}
