import SwarmScheduling

/// Pieces on their way: requested at once, in line at the parent, sent one or two at a time, hashed.
extension Simulation {
    mutating func newTransfer(child: Int32, task: Int32, piece: Int32, parents: (Int32, Int32, Int32)) -> Int {
        serials &+= 1
        var transfer = SimulatedTransfer(
            child: child,
            task: task,
            piece: piece,
            parents: parents,
            phase: .pending,
            serial: serials
        )
        guard let vacancy = vacantTransfers.popLast() else {
            transfers.append(transfer)
            return transfers.count - 1
        }
        // Events of the place's last user stay void.
        transfer.version = transfers[Int(vacancy)].version &+ 1
        transfers[Int(vacancy)] = transfer
        return Int(vacancy)
    }

    /// Takes a transfer off its child's list and gives its place back.
    mutating func free(_ number: Int) {
        let place = member(Int(transfers[number].child), Int(transfers[number].task))
        if let index = members[place].transfers.firstIndex(of: Int32(number)) {
            members[place].transfers.remove(at: index)
        }
        transfers[number].phase = .vacant
        transfers[number].version &+= 1
        transfers[number].serial = 0
        vacantTransfers.append(Int32(number))
    }

    private mutating func plan(_ kind: Event.Kind, after delay: Int64, _ number: Int) {
        transfers[number].version &+= 1
        events.plan(kind, at: now + delay, number, version: transfers[number].version)
    }

    mutating func handleTransfer(_ number: Int, _ kind: Event.Kind) {
        switch kind {
        case .request: requestArrives(number)
        case .nearEnd:
            transfers[number].isDiscounted = true
            noteEnding(number)
            planEnd(number)
            wish(Int(transfers[number].child), Int(transfers[number].task))
        case .sent: sent(number)
        case .arrived: arrived(number)
        case .refused: failed(number, transfers[number].reasons.0 == .gone ? .gone : .unreachable)
        case .stalled: failed(number, .timedOut)
        default: break
        }
    }

    // MARK: - At the child

    /// An assignment has come: its parent is asked at once.
    mutating func take(_ number: Int) {
        let host = Int(transfers[number].child)
        let task = Int(transfers[number].task)
        let place = member(host, task)
        let piece = transfers[number].piece
        if members[place].holds(Int(piece)) {
            members[place].finished.append(FinishedNews(piece: piece, parent: -1))
            hosts[host].hasNews = true
            free(number)
            return
        }
        let isUnderWay = members[place].transfers.contains {
            $0 != Int32(number) && transfers[Int($0)].piece == piece && transfers[Int($0)].isKnownToChild
        }
        guard isUnderWay else {
            ask(number)
            return
        }
        // It is assigned less than the supernode believes.
        hosts[host].hasNews = true
        free(number)
    }

    private mutating func ask(_ number: Int) {
        let child = Int(transfers[number].child)
        transfers[number].phase = .requested
        transfers[number].isDiscounted = false
        plan(.request, after: latency(child, transfers[number].parent), number)
        let bytes = scenario.tasks[Int(transfers[number].task)].bytes(of: Int(transfers[number].piece))
        // As long again as the piece takes at best.
        let time = 2 * (bytes / network.hosts[child].down + Double(latency(child, transfers[number].parent)) * 2e-9)
        events.plan(.late, at: now + Int64(time * 1e9), number, version: transfers[number].serial)
    }

    /// The supernode is to know that a piece has not begun to come.
    mutating func late(_ number: Int) {
        switch transfers[number].phase {
        case .requested, .inLine, .hanging:
            let child = Int(transfers[number].child)
            members[member(child, Int(transfers[number].task))].late.append(transfers[number].piece)
            hosts[child].hasNews = true
            call(child)
        default: return
        }
    }

    /// A cancelled transfer ends; one that has all its bytes goes on.
    mutating func cancel(_ number: Int) {
        guard transfers[number].phase != .arriving else { return }
        let host = Int(transfers[number].child)
        abandon(number)
        hosts[host].hasNews = true
        call(host)
    }

    /// Nobody waits for the transfer any longer.
    mutating func abandon(_ number: Int) {
        let parent = transfers[number].parent
        let place = member(parent, Int(transfers[number].task))
        switch transfers[number].phase {
        case .active:
            network.end(Int(transfers[number].flow), at: now)
            touch(number)
            members[place].sending -= 1
            transfers[number].phase = .arriving
            serve(parent, Int(transfers[number].task))
        case .inLine: members[place].line.removeAll { $0 == Int32(number) }
        default: break
        }
        free(number)
    }

    private mutating func arrived(_ number: Int) {
        let host = Int(transfers[number].child)
        let task = Int(transfers[number].task)
        let place = member(host, task)
        let piece = Int(transfers[number].piece)
        let parent = transfers[number].parent
        if hosts[parent].isCorrupt {
            failed(number, .wrongBytes)
            return
        }
        report(number)
        members[place].finished.append(
            FinishedNews(
                piece: Int32(piece),
                parent: Int32(parent),
                body: transfers[number].ended - transfers[number].begun,
                queued: transfers[number].begun - transfers[number].lined
            )
        )
        free(number)
        if !members[place].holds(piece) {
            members[place].hold(piece)
            if members[place].heldCount == pieceCounts[task] { complete(host) }
        }
        hosts[host].hasNews = true
        call(host)
    }

    private mutating func complete(_ host: Int) {
        hosts[host].tasksLeft -= 1
        guard hosts[host].tasksLeft == 0 else { return }
        hosts[host].finishedAt = now
        if !hosts[host].isDying { unfinished -= 1 }
    }

    /// A parent has failed: the next one named is asked, or the supernode is told.
    private mutating func failed(_ number: Int, _ reason: SimulatedFailure) {
        let host = Int(transfers[number].child)
        transfers[number].note(reason)
        transfers[number].attempt += 1
        if scenario.peers.asksAlternates, transfers[number].parent(transfers[number].attempt) >= 0 {
            ask(number)
            return
        }
        report(number)
        free(number)
        hosts[host].hasNews = true
        call(host)
    }

    /// Notes the parents that failed, to be told.
    private mutating func report(_ number: Int) {
        let place = member(Int(transfers[number].child), Int(transfers[number].task))
        for attempt in 0..<transfers[number].attempt {
            members[place].failed.append(
                FailedNews(
                    piece: transfers[number].piece,
                    parent: transfers[number].parent(attempt),
                    reason: transfers[number].reason(attempt)
                )
            )
        }
    }

    /// How many pieces of a task a host takes at a time.
    func desiredWindow(_ host: Int, _ task: Int) -> Int {
        members[member(host, task)].heldCount < pieceCounts[task] ? scenario.peers.window : 0
    }

    /// The supernode is to know that the parent is free soon.
    mutating func noteEnding(_ number: Int) {
        members[member(Int(transfers[number].child), Int(transfers[number].task))].ending.append(
            transfers[number].piece
        )
        hosts[Int(transfers[number].child)].hasNews = true
    }

    /// Asks for more where more is wanted than was last said.
    mutating func wish(_ host: Int, _ task: Int) {
        guard host > 0, hosts[host].isAlive else { return }
        if !hosts[host].hasNews, desiredWindow(host, task) > members[member(host, task)].toldWindow {
            hosts[host].hasNews = true
        }
        call(host)
    }
}
