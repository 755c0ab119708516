/// Hosts with their links, and the flows between them.
///
/// A flow's rate is the smallest of its equal shares of the sender's uplink, of the receiver's downlink and, between two
/// zones, of the link between them. It is computed anew whenever a flow begins or ends at one of its two ends (or on its
/// link between zones), not when something changes further away: a host's unused share is left unused.
struct Network: Sendable {
    /// A host's two directions.
    struct Host: Sendable {
        /// Bytes per second.
        var up: Double
        var down: Double
        var zone: Int
        fileprivate(set) var uploads: [Int32] = []
        fileprivate(set) var downloads: [Int32] = []
    }

    /// One body on its way.
    struct Flow: Sendable {
        fileprivate(set) var sender: Int32
        fileprivate(set) var receiver: Int32
        /// Which link between zones it takes; -1 for none.
        fileprivate(set) var link: Int32
        /// Whose flow it is, for whoever uses the network.
        fileprivate(set) var owner: Int32
        /// Bytes still to be sent at `settled`.
        fileprivate(set) var remaining: Double
        /// Bytes per second.
        fileprivate(set) var rate: Double
        /// Nanoseconds.
        fileprivate(set) var settled: Int64
    }

    private struct ZoneLink: Sendable {
        var capacity: Double
        var flows: [Int32] = []
    }

    private(set) var hosts: [Host] = []
    private(set) var flows: [Flow] = []
    private var vacancies: [Int32] = []
    private var links: [ZoneLink] = []
    private let zones: Int
    /// Flows whose rate has changed since they were last taken.
    private var changed: [Int32] = []

    /// `crossRate`: bytes per second between each two zones, in each direction; nil for no limit.
    init(zones: Int = 1, crossRate: Double? = nil) {
        self.zones = zones
        if let crossRate { links = Array(repeating: ZoneLink(capacity: crossRate), count: zones * zones) }
    }

    mutating func addHost(up: Double, down: Double, zone: Int = 0) {
        hosts.append(Host(up: up, down: down, zone: zone))
    }

    /// A body begins; returns its flow.
    mutating func begin(from sender: Int, to receiver: Int, bytes: Double, owner: Int, at now: Int64) -> Int {
        let from = hosts[sender].zone
        let to = hosts[receiver].zone
        let link = from == to || links.isEmpty ? -1 : from * zones + to
        let flow = Flow(
            sender: Int32(sender),
            receiver: Int32(receiver),
            link: Int32(link),
            owner: Int32(owner),
            remaining: bytes,
            rate: 0,
            settled: now
        )
        let number: Int
        if let vacancy = vacancies.popLast() {
            number = Int(vacancy)
            flows[number] = flow
        } else {
            number = flows.count
            flows.append(flow)
        }
        hosts[sender].uploads.append(Int32(number))
        hosts[receiver].downloads.append(Int32(number))
        if link >= 0 { links[link].flows.append(Int32(number)) }
        share(sender: sender, receiver: receiver, link: link, at: now)
        return number
    }

    /// A body ends, whether or not all of it was sent; returns how many bytes were left.
    @discardableResult
    mutating func end(_ number: Int, at now: Int64) -> Double {
        settle(number, at: now)
        let flow = flows[number]
        flows[number].owner = -1
        Self.remove(Int32(number), from: &hosts[Int(flow.sender)].uploads)
        Self.remove(Int32(number), from: &hosts[Int(flow.receiver)].downloads)
        if flow.link >= 0 { Self.remove(Int32(number), from: &links[Int(flow.link)].flows) }
        vacancies.append(Int32(number))
        share(sender: Int(flow.sender), receiver: Int(flow.receiver), link: Int(flow.link), at: now)
        return flow.remaining
    }

    /// Hands over the flows whose rates have changed, in the order in which they did.
    mutating func takeChanged(_ body: (Int, Flow) -> Void) {
        for number in changed where flows[Int(number)].owner >= 0 { body(Int(number), flows[Int(number)]) }
        changed.removeAll(keepingCapacity: true)
    }

    private mutating func share(sender: Int, receiver: Int, link: Int, at now: Int64) {
        for index in hosts[sender].uploads.indices { update(Int(hosts[sender].uploads[index]), at: now) }
        for index in hosts[receiver].downloads.indices { update(Int(hosts[receiver].downloads[index]), at: now) }
        if link >= 0 {
            for index in links[link].flows.indices { update(Int(links[link].flows[index]), at: now) }
        }
    }

    private mutating func update(_ number: Int, at now: Int64) {
        let flow = flows[number]
        let sender = Int(flow.sender)
        let receiver = Int(flow.receiver)
        var rate = min(
            hosts[sender].up / Double(hosts[sender].uploads.count),
            hosts[receiver].down / Double(hosts[receiver].downloads.count)
        )
        if flow.link >= 0 {
            rate = min(rate, links[Int(flow.link)].capacity / Double(links[Int(flow.link)].flows.count))
        }
        guard rate != flow.rate else { return }
        settle(number, at: now)
        flows[number].rate = rate
        changed.append(Int32(number))
    }

    private mutating func settle(_ number: Int, at now: Int64) {
        let sent = flows[number].rate * Double(now - flows[number].settled) * 1e-9
        flows[number].remaining = max(0, flows[number].remaining - sent)
        flows[number].settled = now
    }

    private static func remove(_ number: Int32, from list: inout [Int32]) {
        guard let index = list.firstIndex(of: number) else { return }
        list.remove(at: index)
    }
}
