import Content
import WireAPI

/// A task's part in a node's exchange with one supernode.
protocol ExchangeParticipant: AnyObject, Sendable {
    var taskID: TaskID { get }

    /// Whether there is news that no call has carried.
    var hasNews: Bool { get }

    /// What the call `sequence` is to say; nil: nothing.
    ///
    /// News in it stays the call's until ``settle``.
    func report(for sequence: UInt64) -> TaskReport?

    /// The call has been answered (its news has arrived) or has failed (it is to be told again).
    func settle(_ sequence: UInt64, arrived: Bool)

    /// The supernode's news.
    func receive(_ update: TaskUpdate, from supernode: PeerRegistrationResponse)

    /// The supernode no longer knows this node: the task is to be joined again.
    func lostRegistration()

    /// The supernode at this address does not answer.
    func lostSupernode(_ address: SupernodeAddress)
}
