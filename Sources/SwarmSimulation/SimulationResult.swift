import Content

/// What came of a scenario.
package struct SimulationResult: Sendable, Codable, Hashable {
    package var name = ""
    package var peers = 0
    package var pieces = 0
    package var seed = 0
    /// What is to hold, by the scenario's keys.
    package var limits: [String: Double] = [:]
    /// Peers that should have finished and did not.
    package var unfinished = 0
    /// When the last one finished, from the start, in seconds.
    package var lastSeconds = 0.0
    package var boundSeconds = 0.0
    package var ratio = 0.0
    /// From each peer's arrival to its end.
    package var meanSeconds = 0.0
    package var p50Seconds = 0.0
    package var p99Seconds = 0.0
    package var p999Seconds = 0.0
    package var maxSeconds = 0.0
    /// The longest time over what the peer's own link takes.
    package var ownRatio = 0.0
    /// The longest time of an honest peer with the full rate, over its bound.
    package var fullRateRatio = 0.0
    /// Bytes over the content's size.
    package var originCopies = 0.0
    package var supernodeCopies = 0.0
    package var crossCopies = 0.0
    /// Jain's index of the bytes that full-rate peers sent: 1 where all sent the same.
    package var fairness = 0.0
    /// Of the supernode's cores, while the simulation ran.
    package var coreUse = 0.0
    /// Of the busiest task's lock.
    package var lockUse = 0.0
    package var calls = 0
    package var assignments = 0
    package var cancellations = 0
    package var failures = 0
    package var events = 0
    /// Real time: assignments for each second spent in the scheduler.
    package var decisionsPerSecond = 0.0
    package var realSeconds = 0.0

    package init() {}

    /// The same without what depends on the machine.
    package var reproducible: SimulationResult {
        var result = self
        result.decisionsPerSecond = 0
        result.realSeconds = 0
        return result
    }
}

extension Simulation {
    func result() -> SimulationResult {
        var result = SimulationResult()
        result.name = scenario.name
        result.peers = hostCount - 1
        result.pieces = pieceCounts.reduce(0, +)
        result.seed = scenario.seed
        result.limits = scenario.limits.all
        result.unfinished = unfinished
        result.boundSeconds = bound.seconds
        var times: [Double] = []
        var last: Int64 = 0
        for index in 1..<hostCount where hosts[index].finishedAt >= 0 && !hosts[index].isDying {
            let host = hosts[index]
            let seconds = Double(host.finishedAt - host.joinedAt) * 1e-9
            times.append(seconds)
            last = max(last, host.finishedAt)
            result.ownRatio = max(result.ownRatio, seconds * network.hosts[index].down / contentBytes)
            guard !host.isSlow, !host.isCorrupt else { continue }
            result.fullRateRatio = max(result.fullRateRatio, seconds / fullRateBound)
        }
        times.sort()
        result.lastSeconds = Double(unfinished > 0 ? now : last) * 1e-9
        result.ratio = result.lastSeconds / result.boundSeconds
        result.meanSeconds = times.isEmpty ? 0 : times.reduce(0, +) / Double(times.count)
        result.p50Seconds = Self.quantile(0.5, of: times)
        result.p99Seconds = Self.quantile(0.99, of: times)
        result.p999Seconds = Self.quantile(0.999, of: times)
        result.maxSeconds = times.last ?? 0
        result.originCopies = tally.originBytes / contentBytes
        result.supernodeCopies = tally.supernodeBytes / contentBytes
        result.crossCopies = tally.crossBytes / contentBytes
        result.fairness = fairness
        let span = Double(max(1, now))
        result.coreUse = Double(cores.busy) / span / Double(cores.cores)
        result.lockUse = locks.map { Double($0.busy) / span }.max() ?? 0
        result.calls = tally.calls
        result.assignments = tally.assignments
        result.cancellations = tally.cancellations
        result.failures = tally.failures
        result.events = tally.events
        result.decisionsPerSecond = Double(tally.assignments) / max(1e-9, tally.deciding.seconds)
        return result
    }

    private var fairness: Double {
        var sum = 0.0
        var squares = 0.0
        var count = 0.0
        for host in hosts.dropFirst() where !host.isSlow && !host.isCorrupt && !host.isDying {
            sum += host.sent
            squares += host.sent * host.sent
            count += 1
        }
        return squares > 0 ? sum * sum / (count * squares) : 1
    }

    /// The smallest value that so large a part of the values does not exceed.
    static func quantile(_ part: Double, of sorted: [Double]) -> Double {
        guard !sorted.isEmpty else { return 0 }
        let rank = Int((part * Double(sorted.count)).rounded(.up))
        return sorted[min(sorted.count - 1, max(0, rank - 1))]
    }
}

extension SimulationResult {
    /// The limits that do not hold, each with what came out.
    package var faults: [String] {
        var faults: [String] = []
        if unfinished > 0 { faults.append("\(unfinished) peers did not finish") }
        for (key, limit) in limits.sorted(by: { $0.key < $1.key }) {
            guard let value = self.value(key), value > limit else { continue }
            faults.append("\(key) is \(Self.text(value)), above \(Self.text(limit))")
        }
        return faults
    }

    private func value(_ key: String) -> Double? {
        switch key {
        case "mean_seconds": meanSeconds
        case "p50_seconds": p50Seconds
        case "p99_seconds": p99Seconds
        case "p999_seconds": p999Seconds
        case "ratio": ratio
        case "full_rate_ratio": fullRateRatio
        case "own_ratio": ownRatio
        case "origin_copies": originCopies
        case "supernode_copies": supernodeCopies
        case "cross_copies": crossCopies
        default: nil
        }
    }

    /// With three digits behind the point.
    package static func text(_ value: Double) -> String {
        let thousandths = Int((abs(value) * 1000).rounded())
        let digits = String(thousandths % 1000)
        return (value < 0 ? "-" : "") + "\(thousandths / 1000)." + String(repeating: "0", count: 3 - digits.count)
            + digits
    }
}
