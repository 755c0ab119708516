import Content

/// Transfers that take too long, and parents that are given another chance.
extension SwarmScheduler {
    /// When ``schedule(now:using:)`` should be called again even if nothing happens; nil: never.
    package var nextDeadline: SchedulerInstant? { alarms.min?.at }

    /// How long to wait for a transfer, at `factor` times the usual duration.
    func patience(with child: Int, factor: Int) -> Duration {
        patience(factor: factor) * (1 << min(peers[child].steals, 6))
    }

    /// The same for a child that was never robbed.
    func patience(factor: Int) -> Duration {
        usualDuration.map { max($0 * factor, configuration.leastPatience) } ?? configuration.firstPatience
    }

    /// Learns from what ended since the last decision.
    mutating func measure(now: SchedulerInstant) {
        for start in finishedStarts {
            let duration = now - start
            guard let usual = usualDuration else {
                usualDuration = duration
                continue
            }
            // One straggler must not make everybody patient.
            usualDuration = (usual * 15 + min(duration, usual * 4)) / 16
        }
        finishedStarts.removeAll(keepingCapacity: true)
    }

    /// Deals with the alarms that are due.
    mutating func ring(
        now: SchedulerInstant,
        into output: inout SchedulerOutput,
        using generator: inout some RandomNumberGenerator
    ) {
        while let alarm = alarms.min, alarm.at <= now || !isLive(alarm) {
            _ = alarms.popMin()
            guard isLive(alarm) else { continue }
            switch alarm.matter {
            case .rest(let parent, _):
                peers[parent].health.rested()
                refreshIdle(parent)
            case .avoidance(let child, _):
                touch(child)
            case .transfer(let child, let serial, _):
                guard let transfer = peers[child].transfers.first(where: { $0.serial == serial }) else { continue }
                steal(transfer, of: child, now: now, into: &output, using: &generator)
            }
        }
        // Most transfers end long before their alarms.
        if alarms.count > 4 * transferCount + 4 * peers.count + 64 { dropDeadAlarms() }
    }

    private mutating func dropDeadAlarms() {
        var alarms = BinaryHeap<Alarm>()
        swap(&alarms, &self.alarms)
        alarms.keep { isLive($0) }
        self.alarms = alarms
    }

    private func isLive(_ alarm: Alarm) -> Bool {
        switch alarm.matter {
        case .rest(let parent, let birth): peers[parent].birth == birth
        case .avoidance(let child, let birth):
            // Each further failure puts the end off: what was to ring before is for nothing.
            peers[child].birth == birth && peers[child].avoidance.ends(at: alarm.at)
        case .transfer(let child, let serial, _): peers[child].transfers.contains { $0.serial == serial }
        }
    }

    /// Gives a slow transfer to another parent with a free slot, or else has more patience with it.
    ///
    /// Slow is ten times the usual; three times where the child has nothing else left to fetch.
    private mutating func steal(
        _ transfer: Transfer,
        of child: Int,
        now: SchedulerInstant,
        into output: inout SchedulerOutput,
        using generator: inout some RandomNumberGenerator
    ) {
        guard let parent = transfer.parent, let start = transfer.start else { return }
        // Whatever patience the child itself is shown: others do not wait for it at the seed.
        markOverdue(transfer, at: child)
        let matter = Alarm.Matter.transfer(child: child, serial: transfer.serial, piece: transfer.piece)
        let hasMoreToFetch = peers[child].covered.count < pieceCount
        let factor = hasMoreToFetch ? configuration.slowFactor : configuration.endgameFactor
        let due = start + patience(with: child, factor: factor)
        if now < due {
            alarms.insert(Alarm(at: due, matter: matter))
            return
        }
        guard let other = anyParent(of: transfer.piece, for: child, except: parent, now: now, using: &generator) else {
            alarms.insert(Alarm(at: now + patience(with: child, factor: configuration.endgameFactor), matter: matter))
            return
        }
        peers[child].steals += 1
        avoid(parent, for: transfer.piece, by: child, ofWrongBytes: false, now: now)
        release(peers[child].transfer(of: transfer.piece) ?? transfer, at: child)
        output.cancellations.append(Cancellation(peer: peers[child].id, piece: PieceIndex(transfer.piece)))
        assign(Choice(piece: transfer.piece, parent: other), to: child, now: now, into: &output, using: &generator)
    }
}
