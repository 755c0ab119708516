/// Results side by side for a person.
package enum ResultTable {
    private static let columns: [(head: String, text: @Sendable (SimulationResult) -> String)] = [
        ("T", { SimulationResult.text($0.lastSeconds) }), ("bound", { SimulationResult.text($0.boundSeconds) }),
        ("T/bound", { SimulationResult.text($0.ratio) }), ("mean", { SimulationResult.text($0.meanSeconds) }),
        ("p50", { SimulationResult.text($0.p50Seconds) }), ("p99", { SimulationResult.text($0.p99Seconds) }),
        ("p99.9", { SimulationResult.text($0.p999Seconds) }), ("max", { SimulationResult.text($0.maxSeconds) }),
        ("origin", { SimulationResult.text($0.originCopies) }),
        ("supernode", { SimulationResult.text($0.supernodeCopies) }),
        ("cross", { SimulationResult.text($0.crossCopies) }), ("fair", { SimulationResult.text($0.fairness) }),
        ("cores", { percent($0.coreUse) }), ("lock", { percent($0.lockUse) }),
        ("decisions/s", { "\(Int($0.decisionsPerSecond))" }), ("real s", { SimulationResult.text($0.realSeconds) }),
    ]

    /// The width of the column of names.
    private static let names = 34

    /// The names of the columns.
    package static var head: String {
        fill("scenario", names) + columns.map { pad($0.head, width($0.head)) }.joined()
    }

    /// One result.
    package static func row(_ result: SimulationResult) -> String {
        fill(result.name, names) + columns.map { pad($0.text(result), width($0.head)) }.joined()
    }

    private static func percent(_ part: Double) -> String { "\(Int((part * 100).rounded()))%" }

    private static func width(_ head: String) -> Int { max(8, head.utf8.count + 2) }

    private static func fill(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }

    private static func pad(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(1, width - text.count)) + text
    }
}
