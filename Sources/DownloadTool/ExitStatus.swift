/// How dfget ends: part of its interface, so that scripts can tell what went wrong.
package enum ExitStatus: Int32, Sendable, CaseIterable {
    case done = 0
    case failure = 1
    case usage = 2
    case local = 3
    case network = 4
    case origin = 5
    case denied = 6
    case timeout = 7
    case notFound = 8
    case mismatch = 9
    case interrupted = 130
    case terminated = 143

    /// What it says, for the help text.
    package var meaning: String {
        switch self {
        case .done: "the content is there and verified"
        case .failure: "any other failure"
        case .usage: "wrong usage or configuration"
        case .local: "the content can not be written, or there is no room for it"
        case .network: "the origin or every supernode is out of reach or not trusted"
        case .origin: "the origin fails, or sends what makes no sense"
        case .denied: "the origin wants other credentials, or something is not allowed"
        case .timeout: "--timeout has passed, or the transfer was slower than --minrate"
        case .notFound: "there is no such content"
        case .mismatch: "the content is not what --digest or --md5 says"
        case .interrupted: "interrupted (SIGINT); the same command goes on where it was"
        case .terminated: "terminated (SIGTERM); the same command goes on where it was"
        }
    }

    /// One line for each, for the help text.
    package static var table: String {
        allCases.map { "  \(String(repeating: " ", count: 3 - "\($0.rawValue)".count))\($0.rawValue)  \($0.meaning)" }
            .joined(separator: "\n")
    }
}
