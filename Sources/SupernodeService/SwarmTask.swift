import CacheStore
import Content
import Logging
import OriginFetch
import SwarmScheduling
import Synchronization
import WireAPI

/// One task at the supernode: its content as far as it is here, its swarm, and the news for each member.
///
/// All that is shared is below one lock, which is never held while something waits. Sessions are told of news after it has
/// been let go.
final class SwarmTask: Sendable {
    let id: TaskID
    /// The content's digest where the task is named by it.
    let digest: Digest?
    let seed: SeedIdentity
    let configuration: PeerConfiguration
    let blocks: BlockList
    let clock: SupernodeClock
    let logger: Logger
    let state: Mutex<State>

    struct State {
        var phase = Phase.waiting
        var generation: Generation?
        var file: PieceFile?
        var record: OriginRecord?
        /// Pieces that members may be told of.
        var published = PieceSet()
        /// Pieces that are committed but held back.
        var heldBack = PieceSet()
        /// Whether the content's digest has been checked, or there is none to check.
        var isVerified = false
        var scheduler: SwarmScheduler
        var members: [PeerID: SwarmMember] = [:]
        /// Who is whose parent is no secret, and the system's generator costs a system call for each number.
        var random = SplitMix64(seed: .random(in: 0 ... .max))
    }

    enum Phase {
        /// The origin has not answered yet.
        case waiting
        /// There is a file: arriving or complete.
        case running
        /// The content can not be had.
        case failed(WireError)
    }

    init(
        id: TaskID,
        digest: Digest?,
        seed: SeedIdentity,
        configuration: PeerConfiguration,
        blocks: BlockList = BlockList(),
        clock: SupernodeClock = .system,
        logger: Logger
    ) {
        self.id = id
        self.clock = clock
        self.digest = digest
        self.seed = seed
        self.configuration = configuration
        self.blocks = blocks
        self.logger = logger
        state = Mutex(State(scheduler: SwarmScheduler(Self.schedulerConfiguration(configuration))))
    }

    static func schedulerConfiguration(_ configuration: PeerConfiguration) -> SchedulerConfiguration {
        var scheduler = configuration.scheduler
        scheduler.seedSlots = configuration.seedSlots
        return scheduler
    }
}

extension SwarmTask {
    /// Changes the state, lets the scheduler decide what follows, and tells everybody concerned.
    func change(_ body: (inout State) -> Void) {
        let (sessions, output, changed) = state.withLock { state in
            body(&state)
            let output = state.scheduler.schedule(now: clock.now(), using: &state.random)
            let changed = output.changes.compactMap { change in
                state.members[change.peer].map { ($0.session, change.standing) }
            }
            return (Self.take(output, into: &state), output, changed)
        }
        for session in sessions { session.notify(id) }
        Self.count(output)
        for (session, standing) in changed { log(session, standing) }
    }

    /// Keeps what was decided for the answers that are to carry it; returns who has news.
    private static func take(_ output: SchedulerOutput, into state: inout State) -> [PeerSession] {
        var concerned: Set<PeerID> = []
        for cancellation in output.cancellations {
            concerned.insert(cancellation.peer)
            if state.members[cancellation.peer]?.pending.removeValue(forKey: cancellation.piece) == nil {
                state.members[cancellation.peer]?.cancelled.append(cancellation.piece)
            }
        }
        for assignment in output.assignments {
            concerned.insert(assignment.peer)
            state.members[assignment.peer]?.pending[assignment.piece] = assignment
        }
        return concerned.compactMap { state.members[$0]?.session }
    }
}

extension SwarmTask {
    /// The scheduler looks for transfers that take too long.
    func tick() {
        change { _ in }
    }

    var listing: TaskListing {
        state.withLock { state in
            var listing = TaskListing(task: id, state: "waiting")
            listing.generation = state.generation
            listing.url = state.record?.url?.withoutQuery
            listing.digest = state.record?.digest
            listing.peers = state.members.count
            if let file = state.file {
                listing.state = file.isWhole && state.isVerified ? "complete" : "running"
                listing.length = file.layout.length
                listing.pieceSize = file.layout.pieceSize
                listing.pieces = file.layout.pieceCount
                listing.piecesHeld = file.committed.count
                listing.bytesHeld = file.bytesCommitted
            }
            if case .failed(let error) = state.phase {
                listing.state = "failed"
                listing.error = error
            }
            return listing
        }
    }
}
