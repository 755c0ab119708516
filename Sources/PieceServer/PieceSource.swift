package import CacheStore
package import Content

/// What a node's piece server serves from.
package protocol PieceSource: Sendable {
    /// The file of a task, complete or not, with the generation that peers know it by; nil if nothing of it is here.
    func content(of task: TaskID) -> (file: PieceFile, generation: Generation)?

    /// The key under which this node is the parent `peer`; nil if it is not.
    func key(of peer: PeerID) -> PeerKey?

    /// Whether peers may have the piece already: a supernode holds back the last one until the content is verified.
    func mayServe(_ piece: PieceIndex, of task: TaskID) -> Bool

    /// Whether peers may have the content's first bytes as they come (`Opening`): from a supernode only, since no peer can be
    /// trusted with bytes that nobody can verify.
    var servesOpenings: Bool { get }
}

extension PieceSource {
    package func mayServe(_ piece: PieceIndex, of task: TaskID) -> Bool { true }
    package var servesOpenings: Bool { false }
}
