import FoundationEssentials

/// One thing that was looked at.
package struct Finding: Sendable, Hashable, Encodable {
    package enum State: String, Sendable, Encodable {
        /// As it should be.
        case ok
        /// Nothing is wrong, but somebody may not expect it.
        case note
        /// Wrong.
        case failed
    }

    package let state: State
    /// What was looked at, in a word or two.
    package let subject: String
    /// What was found, for a person.
    package let message: String
    /// What to do about it.
    package let remedy: String?

    package init(_ state: State, _ subject: String, _ message: String, remedy: String? = nil) {
        self.state = state
        self.subject = subject
        self.message = message
        self.remedy = remedy
    }
}

/// All that was found.
package struct Report: Sendable, Encodable {
    /// Whether nothing is wrong.
    package let ok: Bool
    package let findings: [Finding]

    package init(_ findings: [Finding]) {
        self.findings = findings
        ok = findings.allSatisfy { $0.state != .failed }
    }

    /// One line for each finding, in columns.
    package var text: String {
        let width = findings.map(\.subject.count).max() ?? 0
        return findings.map { finding in
            let state = finding.state.rawValue.padded(to: 6)
            let line = "\(state)  \(finding.subject.padded(to: width))  \(finding.message)"
            return Self.printable(finding.remedy.map { "\(line): \($0)" } ?? line) + "\n"
        }
        .joined()
    }

    /// The same for programs.
    package var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) + "\n" } ?? ""
    }

    /// Others have a say in what is printed: none of it is for the terminal to obey.
    private static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { [.control, .format].contains($0.properties.generalCategory) ? "?" : $0 }
            )
        )
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
