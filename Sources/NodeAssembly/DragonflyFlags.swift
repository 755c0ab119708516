import NodeConfig
import PeerEngine

/// What Dragonfly 1's `dfget_flags:` say that still means something: dfget was a process of its own, with these arguments.
///
/// A pure value.
struct DragonflyFlags: Sendable, Equatable {
    var supernodes: [SupernodeAddress] = []
    /// Of one task.
    var localLimit: Rate?
    /// Of all tasks.
    var totalLimit: Rate?
    /// Query parameters that do not name the content.
    var filter: [String] = []
    /// Fields for origins.
    var headers: [String: String] = [:]
    var notBackToSource = false
    var verbose = false
    /// Where pieces are served.
    var port: Int?
    /// Flags that mean nothing any more.
    var meaningless: [String] = []

    /// What is wrong with a flag, for a person.
    struct Fault: Error, Equatable {
        let message: String
    }

    private static let switches: Set<String> = [
        "--notbs", "--verbose", "--dfdaemon", "--showbar", "-b", "--console", "--insecure", "--version", "--help",
    ]

    init() {}

    init(_ arguments: [String]) throws(Fault) {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let flag = parts[0]
            guard flag.hasPrefix("-") else {
                throw Fault(message: "has '\(flag)' where a flag such as --node should be")
            }
            if Self.switches.contains(flag) {
                take(switch: flag)
            } else if parts.count == 2 {
                try take(flag, parts[1])
            } else if let value = rest.first, !value.hasPrefix("-") {
                rest.removeFirst()
                try take(flag, value)
            } else {
                try take(flag, nil)
            }
        }
    }

    private mutating func take(switch flag: String) {
        switch flag {
        case "--notbs": notBackToSource = true
        case "--verbose": verbose = true
        // dfdaemon itself added it.
        case "--dfdaemon": break
        default: meaningless.append(flag)
        }
    }

    private mutating func take(_ flag: String, _ value: String?) throws(Fault) {
        switch flag {
        case "-n", "--node", "--supernode":
            for text in try Self.given(flag, value).split(separator: ",") {
                supernodes.append(try Self.parse(flag, "\(text)"))
            }
        case "-s", "--locallimit": localLimit = try Self.parse(flag, try Self.given(flag, value))
        case "--totallimit": totalLimit = try Self.parse(flag, try Self.given(flag, value))
        case "-f", "--filter": filter += try Self.given(flag, value).split(separator: "&").map(String.init)
        case "--header":
            let parts = try Self.given(flag, value).split(separator: ":", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { throw Fault(message: "has a \(flag) that is no 'name: value'") }
            headers[parts[0]] = String(parts[1].drop { $0 == " " })
        case "--port":
            let number: Int = try Self.parse(flag, try Self.given(flag, value))
            guard (0...65535).contains(number) else { throw Fault(message: "has a \(flag) that is no port") }
            port = number == 0 ? nil : number
        default: meaningless.append(flag)
        }
    }

    private static func given(_ flag: String, _ value: String?) throws(Fault) -> String {
        guard let value else { throw Fault(message: "has a \(flag) without its value") }
        return value
    }

    private static func parse<Value: ConfigValue>(_ flag: String, _ text: String) throws(Fault) -> Value {
        guard let value = Value(configText: text) else {
            throw Fault(message: "has a \(flag) that is not \(Value.expectation): '\(text)'")
        }
        return value
    }
}
