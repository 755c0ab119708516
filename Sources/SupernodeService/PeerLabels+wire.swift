import SwarmScheduling

extension PeerLabels {
    /// What labels of a configuration say: `zone`, `rack` and `host`; others are for people.
    init(_ labels: [String: String]) {
        self.init(site: labels["zone"], rack: labels["rack"], host: labels["host"])
    }
}
