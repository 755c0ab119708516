import WireAPI

/// Peers as a table for people: the troubled ones first.
struct PeerTable {
    private var rows = [["NAME", "ADDRESS", "STATE", "TASKS", "WHY"]]

    init(_ peers: [PeerListing], _ blocks: [BlockListing]) {
        let ordered = peers.sorted { left, right in
            let (first, second) = (Self.rank(left), Self.rank(right))
            return first == second ? (left.name, left.address) < (right.name, right.address) : first < second
        }
        rows += ordered.map { [$0.name, Self.place($0), $0.state.rawValue, "\($0.tasks)", Self.why($0)] }
        rows += blocks.filter(\.peers.isEmpty).map { ["-", $0.address, "blocked", "-", $0.reason ?? ""] }
    }

    private static func rank(_ peer: PeerListing) -> Int {
        switch peer.state {
        case .blocked: 0
        case .quarantined: 1
        case .probation: 2
        case .healthy: 3
        }
    }

    /// As `block` takes it.
    private static func place(_ peer: PeerListing) -> String {
        peer.address.firstRange(of: "://").map { String(peer.address[$0.upperBound...]) } ?? peer.address
    }

    private static func why(_ peer: PeerListing) -> String {
        var parts = peer.blockReason.map { [$0] } ?? []
        if let seconds = peer.quarantineSeconds { parts.append("\(Int(seconds.rounded(.up))) s to go") }
        parts += peer.complaints.map(\.description)
        if peer.slowTasks > 0 { parts.append("slow in \(peer.slowTasks)") }
        return parts.joined(separator: ", ")
    }

    /// One line for each, in columns.
    var text: String {
        let cells = rows.map { $0.map(Self.printable) }
        let widths = (0..<4).map { column in cells.map { $0[column].count }.max() ?? 0 }
        return cells.map { row in
            let columns = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            let line = (columns + [row[4]]).joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed()) + "\n"
        }
        .joined()
    }

    /// Names are what peers say: none of it is for the terminal to obey.
    private static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { [.control, .format].contains($0.properties.generalCategory) ? "?" : $0 }
            )
        )
    }
}
