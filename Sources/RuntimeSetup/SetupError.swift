/// Why a runtime's configuration was left as it is.
package struct SetupError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong, where, and what to do, for a person.
    package let description: String

    package init(_ description: String) { self.description = description }

    /// A fault in a file.
    static func at(_ path: String, _ fault: EditFault) -> SetupError {
        SetupError("\(path)\(fault.line.map { ":\($0)" } ?? ""): \(fault.message)")
    }
}

/// Why a text is not edited: it is malformed, or means something that an edit would break.
struct EditFault: Error, Sendable, Hashable {
    let message: String
    /// From 1; nil where it is the text as a whole.
    let line: Int?

    init(_ message: String, line: Int? = nil) {
        self.message = message
        self.line = line
    }
}
