package import Content

/// The fields of `--header`, parted by what they are for.
package struct RequestHeaders: Sendable, Hashable {
    /// They select the content: part of the task's name, and sent by whoever fetches it.
    package private(set) var selecting: HeaderFields = [:]
    /// They may be secret: never part of a name, a log or an error.
    package private(set) var credentials: HeaderFields = [:]

    package init() {}

    /// Takes `Name: value`.
    ///
    /// Throws a usage failure, which never shows the value, for what is no field or what dfget decides itself.
    package mutating func add(_ line: String) throws(ToolFailure) {
        guard let colon = line.firstIndex(of: ":") else {
            throw ToolFailure(.usage, "--header wants 'Name: value'")
        }
        let name = String(line[..<colon])
        let value = String(line[line.index(after: colon)...].trimmingSpace)
        guard !name.isEmpty, name.utf8.allSatisfy({ Self.token.contains($0) }) else {
            throw ToolFailure(.usage, "--header wants 'Name: value', and what is before the colon is no name")
        }
        guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
            throw ToolFailure(.usage, "--header '\(name)' has control characters in its value")
        }
        let lower = name.lowercased()
        guard !Self.reserved.contains(lower), !lower.hasPrefix("if-"), !lower.hasPrefix("proxy-") else {
            throw ToolFailure(.usage, "--header can not set '\(name)': dfget fetches the whole content, in its own way")
        }
        if lower == "accept" || lower.hasPrefix("accept-") || lower == "user-agent" {
            selecting.append(name, value)
        } else {
            credentials.append(name, value)
        }
    }

    private static let token = Set("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
    private static let reserved: Set<String> = [
        "connection", "content-length", "expect", "host", "keep-alive", "range", "te", "trailer", "transfer-encoding",
        "upgrade",
    ]
}

extension Substring {
    /// Without spaces and tabs at both ends.
    fileprivate var trimmingSpace: Substring {
        var text = drop { $0 == " " || $0 == "\t" }
        while let last = text.last, last == " " || last == "\t" { text = text.dropLast() }
        return text
    }
}
