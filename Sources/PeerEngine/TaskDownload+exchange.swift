import CacheStore
import Content
import OriginFetch
import Synchronization
import WireAPI

extension TaskDownload: ExchangeParticipant {
    var hasNews: Bool {
        state.withLock { state in
            !state.news.isEmpty || state.announcesAll || state.withdraws || state.hasDropped
                || (state.outcome != nil && !state.toldEnd) || window(state) > state.toldWindow
                || demand.version != state.toldDemand
        }
    }

    func report(for sequence: UInt64) -> TaskReport? {
        state.withLock { state in
            guard let generation = state.generation else { return nil }
            if state.withdraws {
                state.withdraws = false
                state.sent[sequence] = News(leaving: true)
                return TaskReport(task: taskID, generation: generation, window: 0, leaving: true)
            }
            if state.outcome != nil, state.news.isEmpty, !state.announcesAll, state.toldEnd { return nil }
            var outstanding = PieceSet()
            for assigned in state.queue { outstanding.insert(assigned.piece) }
            for piece in state.active.keys { outstanding.insert(piece) }
            state.toldWindow = window(state)
            state.toldDemand = demand.version
            state.hasDropped = false
            var report = TaskReport(
                task: taskID,
                generation: generation,
                finished: state.news.finished,
                failed: state.news.failed,
                outstanding: outstanding,
                ending: state.news.ending.intersection(outstanding),
                late: state.news.late.intersection(outstanding),
                window: state.toldWindow,
                reader: state.reader,
                wanted: state.file.flatMap { demand.pieces(of: $0.layout) }
            )
            state.toldEnd = state.outcome != nil
            if state.announcesAll { report.holds = state.confirmed }
            state.announcesAll = false
            state.sent[sequence] = state.news
            state.news = News()
            return report
        }
    }

    func settle(_ sequence: UInt64, arrived: Bool) {
        let left = state.withLock { state -> Bool in
            guard let news = state.sent.removeValue(forKey: sequence) else { return false }
            if arrived { return news.leaving }
            if news.leaving {
                state.withdraws = true
                return false
            }
            state.news.finished += news.finished
            state.news.failed += news.failed
            state.news.ending.formUnion(news.ending)
            state.news.late.formUnion(news.late)
            // Whatever else the call said is said again too.
            state.announcesAll = true
            state.toldEnd = false
            return false
        }
        guard left else { return }
        state.withLock { $0.connection }?.detach(self)
        post(.withdrawn)
    }

    func receive(_ update: TaskUpdate, from supernode: PeerRegistrationResponse) {
        switch update.state {
        case .failed:
            post(.failed(update.error ?? WireError(.internalError, "the supernode gave the task up")))
        case .changed, .unknown:
            post(.rejoin)
        case .running:
            guard update.generation == generation else { return }
            take(update, from: supernode)
            post(.work)
        }
    }

    func lostRegistration() { post(.rejoin) }

    func lostSupernode(_ address: SupernodeAddress) { post(.lost(address)) }

    private func take(_ update: TaskUpdate, from supernode: PeerRegistrationResponse) {
        if let length = update.length, let file {
            do throws(StoreError) {
                try file.learn(length: length)
            } catch {
                post(.failed(WireError(.internalError, error.message)))
                return
            }
        }
        let cancelled = state.withLock { state -> [Cancellation] in
            if let manifest = update.manifest { Self.learn(manifest, &state) }
            let parents = update.parents.map { parent(from: $0, of: supernode, in: state) }
            for parent in parents { state.parents[parent.peer] = parent }
            // First: what is taken from one parent may be given to another at once.
            let cancelled = update.cancelled.compactMap { Self.giveUp($0, &state) }
            for assignment in update.assignments { Self.take(assignment, parents, &state) }
            return cancelled
        }
        for transfer in cancelled { transfer.cancel() }
    }

    private static func giveUp(_ piece: PieceIndex, _ state: inout State) -> Cancellation? {
        state.hasDropped = true
        state.queue.removeAll { $0.piece == piece }
        // What is here already is only being checked.
        guard let transfer = state.active[piece], transfer.body == nil else { return nil }
        state.active[piece] = nil
        return transfer.cancellation
    }

    /// The supernode's digests: pieces that were there before count once they match, and go if they do not.
    static func learn(_ manifest: ManifestEntries, _ state: inout State) {
        for (piece, digest) in manifest.digests {
            state.digests[piece] = digest
            guard let file = state.file, !state.confirmed.contains(piece), file.confirm(piece, digest) else { continue }
            state.confirmed.insert(piece)
            if state.counted.insert(piece) { state.bytes.cache += file.layout.range(of: piece)?.count ?? 0 }
            state.news.finished.append(TaskReport.FinishedPiece(piece: piece, parent: nil))
        }
    }

    private static func take(_ assignment: TaskUpdate.Assignment, _ parents: [Parent], _ state: inout State) {
        learn(ManifestEntries([assignment.piece: assignment.digest]), &state)
        let piece = assignment.piece
        guard !state.confirmed.contains(piece) else {
            state.news.finished.append(TaskReport.FinishedPiece(piece: piece, parent: nil))
            return
        }
        guard state.active[piece] == nil, !state.queue.contains(where: { $0.piece == piece }) else {
            state.hasDropped = true
            return
        }
        let known = assignment.parents.filter(parents.indices.contains).map { parents[$0] }
        state.queue.append(Assigned(piece: piece, digest: assignment.digest, parents: known))
    }

    private func parent(
        from parent: TaskUpdate.Parent,
        of supernode: PeerRegistrationResponse,
        in state: borrowing State
    ) -> Parent {
        guard parent.peer == supernode.supernode, let connection = state.connection else {
            return Parent(peer: parent.peer, url: parent.url, ticket: parent.ticket, isSupernode: false)
        }
        return Self.parent(supernode, connection, ticket: parent.ticket)
    }

    /// The supernode as a parent.
    static func parent(
        _ supernode: PeerRegistrationResponse,
        _ connection: SupernodeConnection,
        ticket: String
    ) -> Parent {
        let scheme = supernode.piecesTLS == true ? "https" : "http"
        let url = "\(scheme)://\(connection.address.host):\(supernode.piecesPort)"
        return Parent(peer: supernode.supernode, url: url, ticket: ticket, isSupernode: true)
    }
}
