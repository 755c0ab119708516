/// What `/metrics` of one of our servers said at one moment (Prometheus text format 0.0.4).
package struct MetricsSnapshot: Sendable {
    private struct Sample {
        let name: String
        let labels: [String: String]
        let value: Double
    }

    private let samples: [Sample]

    /// Parses the text; comments and lines that are none are skipped.
    package init(text: String) {
        samples = text.split(separator: "\n").compactMap { Self.sample($0) }
    }

    /// Asks the server at `host:port`, over TLS where the authority that signed its certificate is named.
    package static func of(_ server: String, certificateAuthority: String? = nil) async throws -> MetricsSnapshot {
        let trust = certificateAuthority.map { ["--cacert", $0] } ?? []
        let url = "\(certificateAuthority == nil ? "http" : "https")://\(server)/metrics"
        return MetricsSnapshot(text: try await runSuccessfully(.init("curl", trust + ["-sSf", "--noproxy", "*", url])))
    }

    /// The sum of all samples of that name that have at least these labels; nil if there is none.
    package func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        let matching = samples.filter { sample in
            sample.name == name && labels.allSatisfy { sample.labels[$0.key] == $0.value }
        }
        return matching.isEmpty ? nil : matching.reduce(0) { $0 + $1.value }
    }

    private static func sample(_ line: Substring) -> Sample? {
        guard !line.hasPrefix("#") else { return nil }
        let name = line.prefix { $0 != "{" && $0 != " " }
        var rest = line[name.endIndex...]
        var labels: [String: String] = [:]
        if rest.first == "{" {
            rest = rest.dropFirst()
            while let character = rest.first, character != "}" {
                let key = rest.prefix { $0 != "=" }
                rest = rest[key.endIndex...].dropFirst(2)
                var value = ""
                while let character = rest.first, character != "\"" {
                    rest = rest.dropFirst()
                    guard character == "\\", let escaped = rest.popFirst() else {
                        value.append(character)
                        continue
                    }
                    value.append(escaped == "n" ? "\n" : escaped)
                }
                labels[String(key)] = value
                rest = rest.dropFirst()
                if rest.first == "," { rest = rest.dropFirst() }
            }
            rest = rest.dropFirst()
        }
        // A time stamp may follow the value.
        guard let number = rest.split(separator: " ").first, let value = Double(number) else { return nil }
        return Sample(name: String(name), labels: labels, value: value)
    }
}
