import Content
import SwarmScheduling

/// The exchange between peers and supernode: one call open at a time, one more when there is news.
extension Simulation {
    /// Makes the call that is due, if one is.
    mutating func call(_ host: Int) {
        guard host > 0, hosts[host].isAlive, hosts[host].hasJoined, hosts[host].openCalls < 2,
            hosts[host].openCalls == 0 || hosts[host].hasNews
        else { return }
        let number: Int
        if let vacancy = vacantCalls.popLast() {
            number = Int(vacancy)
        } else {
            number = calls.count
            calls.append(SimulatedCall())
            calls[number].reports = Array(repeating: SimulatedCall.Report(), count: taskCount)
        }
        calls[number].host = host
        calls[number].olderCall = hosts[host].openCalls == 1 ? hosts[host].sequence : -1
        hosts[host].sequence += 1
        hosts[host].openCalls += 1
        hosts[host].hasNews = false
        calls[number].sequence = hosts[host].sequence
        calls[number].items = 0
        for task in 0..<taskCount {
            let place = member(host, task)
            swap(&calls[number].reports[task].finished, &members[place].finished)
            swap(&calls[number].reports[task].failed, &members[place].failed)
            swap(&calls[number].reports[task].ending, &members[place].ending)
            swap(&calls[number].reports[task].late, &members[place].late)
            calls[number].items += calls[number].reports[task].finished.count
            calls[number].items += calls[number].reports[task].failed.count
            calls[number].reports[task].outstanding = known(place)
            let window = desiredWindow(host, task)
            calls[number].reports[task].window = window
            members[place].toldWindow = window
        }
        events.plan(.call, at: now + latency(host, 0), number)
    }

    private func known(_ place: Int) -> Int {
        var count = 0
        for transfer in members[place].transfers where transfers[Int(transfer)].isKnownToChild { count += 1 }
        return count
    }

    mutating func callArrives(_ number: Int) {
        tally.calls += 1
        let cost = scenario.supernode.callCost + scenario.supernode.itemCost * calls[number].items
        events.plan(.apply, at: cores.finish(cost.inNanoseconds, at: now), number)
    }

    /// The supernode takes in what a peer says.
    mutating func apply(_ number: Int) {
        let host = calls[number].host
        let id = hosts[host].id
        let sequence = calls[number].sequence
        let isLatest = sequence > hosts[host].latestCall
        let clock = ContinuousClock.now
        for task in 0..<taskCount {
            let place = member(host, task)
            for news in calls[number].reports[task].finished {
                schedulers[task].finished(
                    PieceIndex(Int(news.piece)),
                    by: id,
                    from: news.parent < 0 ? nil : hosts[Int(news.parent)].id,
                    timing: TransferTiming(body: .nanoseconds(news.body), queued: .nanoseconds(news.queued))
                )
            }
            for news in calls[number].reports[task].failed {
                tally.failures += 1
                schedulers[task].failed(
                    PieceIndex(Int(news.piece)),
                    by: id,
                    from: hosts[Int(news.parent)].id,
                    reason: FailureReason(news.reason),
                    at: instant
                )
            }
            for piece in calls[number].reports[task].ending { schedulers[task].ending(PieceIndex(Int(piece)), by: id) }
            for piece in calls[number].reports[task].late { schedulers[task].late(PieceIndex(Int(piece)), by: id) }
            calls[number].reports[task].ending.removeAll(keepingCapacity: true)
            calls[number].reports[task].late.removeAll(keepingCapacity: true)
            calls[number].reports[task].finished.removeAll(keepingCapacity: true)
            calls[number].reports[task].failed.removeAll(keepingCapacity: true)
            guard isLatest else { continue }
            let outstanding =
                calls[number].reports[task].outstanding + members[place].pending
                + members[place].onTheWay(in: calls[number].olderCall)
            schedulers[task].wants(id, max(0, calls[number].reports[task].window - outstanding))
        }
        tally.deciding += ContinuousClock.now - clock
        // The older call returns with nothing, and this one waits in its place.
        if hosts[host].waitingCall >= 0 { answer(host, at: now) }
        if isLatest { hosts[host].latestCall = sequence }
        hosts[host].waitingCall = sequence
        vacantCalls.append(Int32(number))
        for task in 0..<taskCount { decide(task) }
    }

    /// Lets the scheduler decide, and answers everybody concerned.
    mutating func decide(_ task: Int) {
        let clock = ContinuousClock.now
        let output = schedulers[task].schedule(now: instant, using: &decisions)
        tally.deciding += ContinuousClock.now - clock
        guard !output.isEmpty else { return }
        let cost = scenario.supernode.decisionCost * output.assignments.count
        let decided = locks[task].finish(cost.inNanoseconds, at: now)
        for cancellation in output.cancellations { takeBack(cancellation, task) }
        for assignment in output.assignments { handOut(assignment, task) }
        for host in concerned {
            hosts[Int(host)].isConcerned = false
            if hosts[Int(host)].waitingCall >= 0 { answer(Int(host), at: decided) }
        }
        concerned.removeAll(keepingCapacity: true)
    }

    private mutating func takeBack(_ cancellation: Cancellation, _ task: Int) {
        tally.cancellations += 1
        let host = Int(Self.host(cancellation.peer))
        let place = member(host, task)
        let piece = Int32(cancellation.piece.value)
        guard let index = members[place].transfers.lastIndex(where: { transfers[Int($0)].piece == piece }) else {
            return
        }
        let number = members[place].transfers[index]
        if transfers[Int(number)].phase == .pending {
            hosts[host].pending.removeAll { $0 == number }
            members[place].pending -= 1
            free(Int(number))
        } else {
            hosts[host].cancelled.append(
                TransferReference(transfer: number, serial: transfers[Int(number)].serial)
            )
            concern(host)
        }
    }

    private mutating func handOut(_ assignment: Assignment, _ task: Int) {
        tally.assignments += 1
        let host = Int(Self.host(assignment.peer))
        let others = assignment.alternates
        let number = newTransfer(
            child: Int32(host),
            task: Int32(task),
            piece: Int32(assignment.piece.value),
            parents: (
                Self.host(assignment.parent), others.isEmpty ? -1 : Self.host(others[0]),
                others.count < 2 ? -1 : Self.host(others[1])
            )
        )
        hosts[host].pending.append(Int32(number))
        let place = member(host, task)
        members[place].pending += 1
        members[place].transfers.append(Int32(number))
        concern(host)
    }

    private mutating func concern(_ host: Int) {
        guard !hosts[host].isConcerned else { return }
        hosts[host].isConcerned = true
        concerned.append(Int32(host))
    }

    /// The call that waits returns with whatever there is to tell.
    private mutating func answer(_ host: Int, at ready: Int64) {
        let number: Int
        if let vacancy = vacantAnswers.popLast() {
            number = Int(vacancy)
        } else {
            number = answers.count
            answers.append(SimulatedAnswer())
        }
        let sequence = hosts[host].waitingCall
        hosts[host].waitingCall = -1
        answers[number].host = host
        swap(&answers[number].cancelled, &hosts[host].cancelled)
        for task in 0..<taskCount {
            let place = member(host, task)
            members[place].carriedBefore = members[place].carried
            members[place].carried = (sequence, members[place].pending)
            members[place].pending = 0
        }
        for transfer in hosts[host].pending {
            transfers[Int(transfer)].phase = .answered
            answers[number].assigned.append(
                TransferReference(transfer: transfer, serial: transfers[Int(transfer)].serial)
            )
        }
        hosts[host].pending.removeAll(keepingCapacity: true)
        let cost = scenario.supernode.itemCost * answers[number].assigned.count
        let sent = max(ready, cores.finish(cost.inNanoseconds, at: now))
        events.plan(.answer, at: sent + latency(0, host), number)
    }

    mutating func answerArrives(_ number: Int) {
        let host = answers[number].host
        hosts[host].openCalls -= 1
        if hosts[host].isAlive {
            for reference in answers[number].cancelled
            where transfers[Int(reference.transfer)].serial == reference.serial {
                cancel(Int(reference.transfer))
            }
            for reference in answers[number].assigned
            where transfers[Int(reference.transfer)].serial == reference.serial {
                take(Int(reference.transfer))
            }
            call(host)
        } else {
            for reference in answers[number].assigned
            where transfers[Int(reference.transfer)].serial == reference.serial {
                free(Int(reference.transfer))
            }
        }
        answers[number].assigned.removeAll(keepingCapacity: true)
        answers[number].cancelled.removeAll(keepingCapacity: true)
        vacantAnswers.append(Int32(number))
    }
}

extension FailureReason {
    init(_ failure: SimulatedFailure) {
        self =
            switch failure {
            case .unreachable: .unreachable
            case .timedOut: .timedOut
            case .wrongBytes: .wrongBytes
            case .gone: .refused
            }
    }
}
