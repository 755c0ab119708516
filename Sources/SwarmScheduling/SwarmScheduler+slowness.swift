import Content

/// Transfers that take too long, and parents that are given another chance.
extension SwarmScheduler {
    /// When ``schedule(now:using:)`` should be called again even if nothing happens; nil: never.
    package var nextDeadline: SchedulerInstant? { alarms.min?.at }

    /// How long to wait for a transfer, at `factor` times what is usual with the child.
    func patience(with child: Int, factor: Int) -> Int64 {
        patience(peers[child].receiving ?? usualDuration, factor: factor) * (1 << min(peers[child].steals, 6))
    }

    /// How long others wait for the parent that serves the child.
    func patienceOfOthers(with child: Int, factor: Int) -> Int64 {
        let usual = usualDuration.map { usual in min(usual, peers[child].receiving ?? usual) }
        return patience(usual, factor: factor)
    }

    private func patience(_ usual: Int64?, factor: Int) -> Int64 {
        guard let usual else { return firstPatience }
        return max(usual * Int64(factor) + usualDelay * 3, leastPatience)
    }

    /// How long others wait for a copy that is under way to a child, in nanoseconds: ten times what all of it usually takes.
    private var promise: Int64 {
        guard let usualDuration else { return firstPatience }
        return max((usualDuration + usualDelay) * Int64(configuration.slowFactor), leastPatience)
    }

    /// How long bodies usually take, in nanoseconds: the mean over the children's rates, so that neither a few slow ones
    /// nor those that happen to be under way say what is usual, and one that lies can not make all others look slow.
    var usualDuration: Int64? { rates.value.map { Int64((Double(Int64.max) / $0).rounded()) } }

    /// How long everything but the body usually takes, waiting in line included, in nanoseconds.
    private var usualDelay: Int64 { delays.value.map { Int64($0) } ?? 0 }

    /// Learns from what ended since the last decision.
    mutating func measure(elapsed: Int64) {
        guard !ended.isEmpty else { return }
        let seedSlots = seedSlots
        for transfer in ended {
            let time = max(1, elapsed - transfer.start)
            let queued = min(time - 1, transfer.timing?.queued.inNanoseconds ?? 0)
            // What comes out of a buffer at once has been on its way before.
            let told = transfer.timing.map { max($0.body.inNanoseconds, (time - queued) / 8) }
            let duration = max(1, min(time - queued, told ?? time))
            noteGap(time - duration - queued, at: transfer)
            if transfer.isFromSeed {
                // What waits in line there was asked for too early.
                seedPace.measured(
                    duration + queued,
                    gap: seedGap ?? 0,
                    wasFull: transfer.seedWasFull,
                    usual: usualDuration,
                    most: configuration.seedSlots
                )
            }
            judgeChild(transfer, duration, queued: queued, gap: time - duration - queued)
            judgeParent(transfer, duration)
        }
        ended.removeAll(keepingCapacity: true)
        guard self.seedSlots > seedSlots else { return }
        for seed in seeds { refresh(heldBy: seed) }
    }

    /// How long a parent's link stands idle after a body where no request waits in line.
    private mutating func noteGap(_ gap: Int64, at transfer: EndedTransfer) {
        if transfer.isFromSeed {
            seedGap = seedGap.map { $0 + (gap - $0) / 8 } ?? gap
            return
        }
        guard peers[transfer.parent].birth == transfer.parentBirth else { return }
        peers[transfer.parent].gap = peers[transfer.parent].gap.map { $0 + (gap - $0) / 8 } ?? gap
    }

    /// How many in line keep a peer's link from being idle in the gap between two bodies.
    func slotsForGap(of place: Int) -> Int {
        guard let gap = peers[place].gap, let body = peers[place].sending else { return 1 }
        return max(1, Int((Pace.cover * Double(gap) / Double(max(1, body))).rounded()))
    }

    private mutating func judgeChild(_ transfer: EndedTransfer, _ duration: Int64, queued: Int64, gap: Int64) {
        let child = transfer.child
        guard peers[child].birth == transfer.childBirth else { return }
        let delay = peers[child].delay.map { $0 + (queued + gap - $0) / 16 } ?? queued + gap
        delays.replace(peers[child].delay, by: delay)
        peers[child].delay = delay
        let usualGap = peers[child].receivingGap.map { $0 + (gap - $0) / 8 } ?? gap
        peers[child].receivingGap = usualGap
        let limit = Int(peers[child].pace.limit)
        peers[child].pace.measured(
            duration,
            gap: usualGap,
            wasFull: transfer.childWasFull,
            most: configuration.mostOfChild
        )
        if Int(peers[child].pace.limit) > limit { touch(child) }
        let before = peers[child].receiving
        // The fastest parents show what the child can do; but one body that came out of a buffer at once does not.
        let receiving = before.map { max(min(duration, $0 + (duration - $0) / 4), $0 / 2) } ?? duration
        guard receiving != before else { return }
        rates.replace(before.map { .max / $0 }, by: .max / receiving)
        peers[child].receiving = receiving
        guard let usual = usualDuration else { return }
        let isSlow = receiving > usual * Int64(configuration.slowPeerFactor)
        guard isSlow != peers[child].isSlowChild else { return }
        peers[child].isSlowChild = isSlow
        touch(child)
    }

    /// The child no longer says what is usual.
    mutating func forgetTimes(of child: Int) {
        rates.replace(peers[child].receiving.map { .max / $0 }, by: nil)
        delays.replace(peers[child].delay, by: nil)
        peers[child].receiving = nil
        peers[child].delay = nil
    }

    /// Whether it is the parent that is slow: not where the child is slow with others, too.
    private mutating func judgeParent(_ transfer: EndedTransfer, _ duration: Int64) {
        let parent = transfer.parent
        guard !transfer.isFromSeed, peers[parent].birth == transfer.parentBirth, let usual = usualDuration else {
            return
        }
        let isChildSlow = peers[transfer.child].receiving.map { $0 > usual * 2 } ?? false
        let before = peers[parent].sending ?? duration
        if !isChildSlow || duration < before { peers[parent].sending = before + (duration - before) / 2 }
        peers[parent].isSlow = peers[parent].sending.map { $0 > usual * Int64(configuration.slowPeerFactor) } ?? false
        if peers[parent].isSlow { conspicuous.insert(parent) }
        refreshIdle(parent)
    }

    /// A transfer has come to its good end, to be measured at the next decision.
    mutating func noteEnd(of transfer: Transfer, at child: Int, _ timing: TransferTiming?) {
        guard let start = transfer.start, let parent = transfer.parent else { return }
        let isFromSeed = peers[parent].role == .seed
        ended.append(
            EndedTransfer(
                start: start,
                timing: timing,
                child: child,
                childBirth: peers[child].birth,
                parent: parent,
                parentBirth: peers[parent].birth,
                isFromSeed: isFromSeed,
                seedWasFull: isFromSeed && peers[parent].line.count >= seedSlots,
                childWasFull: peers[child].transfers.count >= Int(peers[child].pace.limit)
            )
        )
    }

    /// Deals with the alarms that are due.
    mutating func ring(
        now: SchedulerInstant,
        elapsed: Int64,
        into output: inout SchedulerOutput,
        using chance: inout SplitMix64
    ) {
        while let alarm = alarms.min, alarm.at <= now || !isLive(alarm) {
            _ = alarms.popMin()
            guard isLive(alarm) else { continue }
            switch alarm.matter {
            case .rest(let parent, _):
                rested(parent, into: &output)
            case .avoidance(let child, _):
                touch(child)
                if !peers[child].avoidance.isActive(now: now) { cautious.remove(child) }
            case .transfers(let child, _):
                lookAtTransfers(of: child, now: now, elapsed: elapsed, into: &output, using: &chance)
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
        // An earlier one may have been set since.
        case .transfers(let child, let birth):
            peers[child].birth == birth && peers[child].alarm != .max && instant(after: peers[child].alarm) == alarm.at
        }
    }

    /// A transfer is slow from then on; each child has one alarm set, for the first of its transfers.
    mutating func watch(_ index: Int, of child: Int, at time: Int64) {
        peers[child].transfers[index].alarm = time
        guard time < peers[child].alarm, let instant = instant(after: time) else { return }
        peers[child].alarm = time
        alarms.insert(Alarm(at: instant, matter: .transfers(child: child, birth: peers[child].birth)))
    }

    private mutating func watchAgain(_ transfer: Transfer, of child: Int, at time: Int64) {
        guard let index = peers[child].transfers.firstIndex(where: { $0.serial == transfer.serial }) else { return }
        watch(index, of: child, at: time)
    }

    /// Most transfers end long before they are slow: then the alarm is set for the first of the others.
    private mutating func lookAtTransfers(
        of child: Int,
        now: SchedulerInstant,
        elapsed: Int64,
        into output: inout SchedulerOutput,
        using chance: inout SplitMix64
    ) {
        peers[child].alarm = .max
        for transfer in peers[child].transfers where transfer.alarm != .max {
            if transfer.alarm <= elapsed {
                steal(transfer, of: child, now: now, elapsed: elapsed, into: &output, using: &chance)
            } else {
                watchAgain(transfer, of: child, at: transfer.alarm)
            }
        }
    }

    /// Gives a slow transfer to another parent with a free slot, or else has more patience with it.
    ///
    /// Slow is ten times the usual; three times where the child has nothing else left to fetch.
    private mutating func steal(
        _ transfer: Transfer,
        of child: Int,
        now: SchedulerInstant,
        elapsed: Int64,
        into output: inout SchedulerOutput,
        using chance: inout SplitMix64
    ) {
        guard let parent = transfer.parent, let start = transfer.start else { return }
        // Whatever patience the child itself is shown: others do not wait for it at the parent.
        discount(transfer, at: child)
        let promised = start + promise
        if elapsed >= promised { breakPromise(of: transfer, at: child) }
        // The time by which it is looked at again whatever else it waits for.
        let latest = elapsed < promised ? promised : .max
        let late = start + patience(with: child, factor: configuration.endgameFactor)
        if elapsed < late {
            watchAgain(transfer, of: child, at: min(late, latest))
            return
        }
        // The child's link may be idle meanwhile.
        writeOff(transfer, at: child)
        let due = hasMoreToFetch(child) ? start + patience(with: child, factor: configuration.slowFactor) : late
        if elapsed < due {
            watchAgain(transfer, of: child, at: min(due, latest))
            return
        }
        guard isWanted(transfer.piece, by: child) else {
            // What has lost its reader meanwhile is given to nobody else.
            release(transfer, at: child)
            output.cancellations.append(Cancellation(peer: peers[child].id, piece: PieceIndex(transfer.piece)))
            return
        }
        guard let other = anyParent(of: transfer.piece, for: child, except: parent, now: now, using: &chance) else {
            watchAgain(transfer, of: child, at: elapsed + patience(with: child, factor: configuration.endgameFactor))
            return
        }
        peers[child].steals += 1
        avoid(parent, for: transfer.piece, by: child, ofWrongBytes: false, now: now)
        release(transfer, at: child)
        peers[child].fruitless += 1
        output.cancellations.append(Cancellation(peer: peers[child].id, piece: PieceIndex(transfer.piece)))
        assign(
            Choice(piece: transfer.piece, parent: other),
            to: child,
            now: now,
            elapsed: elapsed,
            into: &output,
            using: &chance
        )
    }
}
