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
        await withTaskGroup(of: Void.self) { group in
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
                    }
                    // What was assigned before the supernode fell silent is still worth having.
                    if isLost, isIdle { return .lost }
                case .lost:
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
            // While pieces are hashed the next ones are received, but not without end.
            guard state.receiving.count < configuration.parallel, !state.queue.isEmpty,
                state.active.count < 3 * configuration.parallel
            else { return nil }
            let assigned = state.queue.removeFirst()
            let cancellation = Cancellation()
            state.active[assigned.piece] = cancellation
            state.receiving.insert(assigned.piece)
            return (assigned, cancellation)
        }
    }

    private func fetch(_ assigned: Assigned, _ fetcher: PieceFetcher, _ cancellation: Cancellation) async {
        let result = await cancellation.run { await self.fetchFromParents(assigned, fetcher) }
        let connection = state.withLock { state -> SupernodeConnection? in
            state.active[assigned.piece] = nil
            state.receiving.remove(assigned.piece)
            if let result {
                state.news.failed += result.failures
                if let parent = result.parent {
                    state.news.finished.append(TaskReport.FinishedPiece(piece: assigned.piece, parent: parent.peer))
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

    private func fetchFromParents(_ assigned: Assigned, _ fetcher: PieceFetcher) async -> FetchResult {
        var result = FetchResult()
        guard
            let (file, generation) = state.withLock({ state in
                state.file.flatMap { file in state.generation.map { (file, $0) } }
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
                    into: file
                ) {
                    _ = state.withLock { $0.receiving.remove(assigned.piece) }
                    post(.work)
                }
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
                if error.reason == .local { break }
            }
        }
        return result
    }
}
