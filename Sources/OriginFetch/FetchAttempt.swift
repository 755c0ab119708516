import BackendAPI
import CacheStore
import Content
import Logging
import RateLimiting

/// One attempt to get one version of a resource.
struct FetchAttempt: Sendable {
    let run: FetchRun
    let backend: any Backend
    /// Those to the host, of which the fetch holds one; nil where any number will do.
    let connections: Places?
    let configuration: OriginFetchConfiguration
    let demand: Demand
    let logger: Logger

    /// The first request asks for this much: a whole number of pieces whatever the layout will be.
    private static let probe = ByteRange(length: PieceLayout.largestPiece)

    /// How an attempt ended.
    enum Outcome: Sendable {
        case done(OriginFetcher.Outcome)
        /// Nothing that is missing is wanted now.
        case idle(FetchedPart)
    }

    /// `earlier`: what is there already.
    func execute(
        continuing earlier: FetchedPart?,
        revalidating: OriginRecord?,
        ranged: Bool
    ) async throws(FetchError) -> Outcome {
        // What misses nothing would bring no request, and so no word of the origin that it is current.
        if let earlier, earlier.record.canBeContinued, earlier.file.layout.length != nil, !earlier.file.isWhole {
            run.adopt(earlier)
        }
        do {
            try await transferAll(revalidating, ranged)
        } catch {
            throw Self.fetchError(error)
        }
        if let head = run.unchanged, var record = revalidating {
            record.confirm(head, at: UnixTime.now())
            return .done(.notModified(record))
        }
        guard let part = run.part else {
            throw .origin(BackendError(.protocolViolation, "the origin's answer had no head"))
        }
        return run.isUnfinished ? .idle(part) : .done(.fetched(part.file))
    }

    private func transferAll(_ revalidating: OriginRecord?, _ ranged: Bool) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<2 { group.addTask { try await commitPieces() } }
            group.addTask {
                defer { run.finishWriting() }
                try await fetchSegments(revalidating, ranged)
            }
            try await group.waitForAll()
        }
    }

    private func commitPieces() async throws {
        for await piece in run.written {
            guard let file = run.file else { return }
            _ = try await file.commit(piece, expecting: nil)
        }
    }

    private func fetchSegments(_ revalidating: OriginRecord?, _ ranged: Bool) async throws {
        let isLazy = ranged && revalidating == nil && !demand.isWhole
        if isLazy, !run.isConfirmed, try await openWithoutContent() { return try await fetchRest() }
        if run.file == nil {
            let first = Segment(range: ranged ? Self.probe : nil)
            try await fetch(first, condition: revalidating.map { .ifChanged($0.validators) })
            guard run.unchanged == nil, let file = run.file else { return }
            if file.layout.length == 0 { return }
        }
        try await fetchRest()
    }

    /// Finds out how long the content is by asking for its head only: which bytes are wanted is known behind it.
    ///
    /// Returns false where the content can only be fetched as a whole.
    private func openWithoutContent() async throws -> Bool {
        let asked = RetryingBackend(backend, policy: configuration.retry)
        return try run.open(try await asked.head(run.request))
    }

    /// What happened while segments were being fetched.
    private enum Step: Sendable {
        /// A segment has come to its end, over the connection that the fetch holds or over another one.
        case ended(isOwn: Bool)
        /// Other bytes are wanted than before.
        case demand
    }

    /// Fetches all further segments that are wanted, or come to be wanted meanwhile, over the connection that the fetch holds
    /// and over as many more as nobody waits for.
    private func fetchRest() async throws {
        let most = run.canRunInParallel ? configuration.parallel : 1
        try await withThrowingTaskGroup(of: Step.self) { group in
            var (running, ownIsFree, isWatching) = (0, true, false)
            while true {
                let version = demand.version
                let wanted = run.file.flatMap { demand.pieces(of: $0.layout) }
                while running < most, run.hasNextSegment(of: wanted), ownIsFree || connections?.enterIfFree() ?? true,
                    let segment = run.nextSegment(of: wanted)
                {
                    let lent = ownIsFree ? nil : connections
                    let isOwn = ownIsFree
                    ownIsFree = false
                    running += 1
                    group.addTask {
                        defer { lent?.leave() }
                        try await fetch(segment, condition: nil)
                        return .ended(isOwn: isOwn)
                    }
                }
                guard running > 0 else { break }
                if wanted != nil, !isWatching {
                    isWatching = true
                    group.addTask {
                        await demand.change(since: version)
                        return .demand
                    }
                }
                switch try await group.next() {
                case .ended(let isOwn)?:
                    running -= 1
                    if isOwn { ownIsFree = true }
                case .demand?:
                    isWatching = false
                    try Task.checkCancellation()
                case nil: return
                }
            }
            group.cancelAll()
        }
    }

    /// Fetches a segment to its end, going on where a request broke.
    private func fetch(_ segment: Segment, condition: Condition?) async throws {
        var failures = 0
        // How far any request has come: one that starts over and breaks at the same place again makes no progress.
        var reached = segment.position
        while true {
            let before = segment.position
            do {
                try await backend.fetch(request(for: segment, condition), into: SegmentSink(run: run, segment: segment))
                if run.unchanged != nil { return }
                if try settled(segment) { return }
                guard segment.position > before else {
                    throw BackendError(.protocolViolation, "the origin answered without any of the bytes asked for")
                }
            } catch let error as BackendError {
                failures = segment.position > reached ? 1 : failures + 1
                reached = max(reached, segment.position)
                try await recover(from: error, segment: segment, failures: failures)
            }
        }
    }

    /// Whether the segment is at its end; learns the length where only the end could tell it.
    private func settled(_ segment: Segment) throws -> Bool {
        guard let file = run.file else { return false }
        if let rest = segment.rest { return rest.isEmpty }
        let end = segment.position
        if let length = file.layout.length {
            guard length == end else {
                throw BackendError(.closedEarly, "the origin ended the content after \(end) of \(length) bytes")
            }
            return true
        }
        try file.learn(length: end)
        let last = file.layout.piece(at: max(0, end - 1))
        if end > 0, !file.committed.contains(last) { run.pieceWritten(last) }
        return true
    }

    private func recover(from error: BackendError, segment: Segment, failures: Int) async throws {
        guard
            let delay = configuration.retry.delay(after: error, attempt: failures, chance: .random(in: 0..<1))
        else { throw error }
        if run.file != nil {
            guard run.record?.canBeContinued == true else {
                throw BackendError(
                    .changedAtOrigin,
                    "the transfer broke and the origin can not say whether the content is the same"
                )
            }
            if !run.rangesSupported { segment.rewind() }
        }
        logger.info(
            "origin request failed, trying again",
            metadata: [
                "url": "\(run.request.resource.url.withoutQuery)", "error": "\(error.message)", "delay": "\(delay)",
            ]
        )
        try await Task.sleep(for: delay)
    }

    private func request(for segment: Segment, _ condition: Condition?) -> OriginRequest {
        var request = run.request
        if let rest = segment.rest {
            request.range = .closed(rest)
        } else {
            request.range = segment.position > 0 ? .from(segment.position) : nil
        }
        if let condition, run.file == nil {
            request.condition = condition
        } else if let record = run.record, record.digest == nil, request.range != nil {
            request.condition = .ifUnchanged(record.validators)
        }
        return request
    }

    static func fetchError(_ error: any Error) -> FetchError {
        switch error {
        case let error as FetchError: error
        case let error as BackendError:
            // What a sink threw comes back wrapped.
            if let cause = error.cause, !(cause is BackendError) || error.code == .sinkFailed {
                unwrapped(cause) ?? .origin(error)
            } else {
                .origin(error)
            }
        case let error as StoreError: .store(error)
        case is CancellationError: .cancelled
        default: .origin(BackendError(.protocolViolation, "\(error)"))
        }
    }

    private static func unwrapped(_ cause: any Error) -> FetchError? {
        switch cause {
        case let error as StoreError: .store(error)
        case let error as BackendError: .origin(error)
        case is CancellationError: .cancelled
        default: nil
        }
    }
}
