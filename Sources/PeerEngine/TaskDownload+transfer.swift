import CacheStore
import Content
import Logging
import OriginFetch
import Synchronization
import WireAPI

/// How the part of a download that one supernode directs came to its end.
enum TransferOutcome: Sendable {
    case whole
    case rejoin
    case lost
    case failed(WireError)
    /// This node can not take the content.
    case unwritable(StoreError)
    case abandoned
}

extension TaskDownload {
    /// Fetches what the supernode assigns until nothing is missing or something else is to be done.
    func transfer(with fetcher: PieceFetcher) async -> TransferOutcome {
        await withDiscardingTaskGroup { group in
            var isLost = false
            post(.work)
            for await event in events {
                switch event {
                case .work:
                    if isWhole {
                        group.cancelAll()
                        return .whole
                    }
                    while let (assigned, cancellation) = nextAssigned() {
                        group.addTask { await self.fetch(assigned, fetcher, cancellation) }
                        group.addTask { await self.watch(assigned.piece, cancellation) }
                    }
                    // What was assigned before the supernode fell silent is still worth having.
                    if isLost, isIdle {
                        // Whoever looks after a piece may still sleep for seconds.
                        group.cancelAll()
                        return .lost
                    }
                case .lost(let address):
                    guard address == state.withLock({ $0.connection?.address }) else { continue }
                    isLost = true
                    post(.work)
                case .rejoin:
                    group.cancelAll()
                    return .rejoin
                case .failed(let error):
                    group.cancelAll()
                    return .failed(error)
                case .unwritable(let error):
                    group.cancelAll()
                    return .unwritable(error)
                case .withdrawn:
                    continue
                case .abandoned:
                    guard giveUp() else { continue }
                    group.cancelAll()
                    return .abandoned
                }
            }
            return .abandoned
        }
    }

    private var isIdle: Bool { state.withLock { $0.queue.isEmpty && $0.active.isEmpty } }

    private func nextAssigned() -> (Assigned, Cancellation)? {
        state.withLock { state in
            guard !state.queue.isEmpty, state.active.count < 2 * configuration.window else { return nil }
            let assigned = state.queue.removeFirst()
            let cancellation = Cancellation()
            state.active[assigned.piece] = PieceTransfer(cancellation)
            return (assigned, cancellation)
        }
    }

    private func fetch(_ assigned: Assigned, _ fetcher: PieceFetcher, _ cancellation: Cancellation) async {
        let result = await cancellation.run { await self.fetchFromParents(assigned, fetcher, cancellation) }
        let connection = state.withLock { state -> SupernodeConnection? in
            var transfer: PieceTransfer?
            if state.active[assigned.piece]?.cancellation === cancellation {
                transfer = state.active.removeValue(forKey: assigned.piece)
            }
            if let result {
                state.news.failed += result.failures
                if let parent = result.parent {
                    state.news.finished.append(
                        TaskReport.FinishedPiece(
                            piece: assigned.piece,
                            parent: parent.peer,
                            body: transfer?.body.map { $0.inNanoseconds / 1000 },
                            queued: transfer?.queued.map { $0.inNanoseconds / 1000 }
                        )
                    )
                }
            }
            return state.connection
        }
        connection?.tell()
        post(.work)
    }

    private struct FetchResult: Sendable {
        var parent: Parent?
        var failures: [TaskReport.FailedPiece] = []
    }

    /// Asks the parent that was named, and others that may have the piece only while the supernode does not answer.
    private func fetchFromParents(
        _ assigned: Assigned,
        _ fetcher: PieceFetcher,
        _ cancellation: Cancellation
    ) async -> FetchResult {
        var result = FetchResult()
        guard
            let (file, generation, connection) = state.withLock({ state in
                state.file.flatMap { file in state.generation.map { (file, $0, state.connection) } }
            })
        else { return result }
        for parent in assigned.parents {
            do throws(PieceFetcher.Failure) {
                try await fetcher.fetch(
                    assigned.piece,
                    of: taskID,
                    generation,
                    digest: assigned.digest,
                    from: parent,
                    into: file,
                    limit: limit,
                    lead: connection?.lead ?? .zero
                ) { self.advance(assigned.piece, cancellation, to: $0) }
                fetched(assigned.piece, of: file, from: parent)
                result.parent = parent
                return result
            } catch {
                if Task.isCancelled { return result }
                logger.info(
                    "piece transfer failed",
                    metadata: [
                        "task": "\(taskID)", "piece": "\(assigned.piece)", "parent": "\(parent.url)",
                        "error": "\(error.message)",
                    ]
                )
                result.failures.append(
                    TaskReport.FailedPiece(piece: assigned.piece, parent: parent.peer, reason: error.reason)
                )
                if let storage = error.storage, error.isFinal { post(.unwritable(storage)) }
                guard error.reason != .local, connection?.isSilent ?? true else { break }
            }
        }
        return result
    }
}
