import ArgumentParser
import DaemonCommandLine
import DfgetCommandLine
import SupernodeCommandLine
import WebhookCommandLine

/// What this executable can be: what it does is decided by the name that it is called by, as with busybox.
enum Tool: String, CaseIterable {
    case supernode, dfdaemon, dfget, dfwebhook

    /// The tool that a path names, such as `argv[0]`.
    init?(path: String?) {
        guard let name = path?.split(separator: "/").last, let tool = Tool(rawValue: String(name)) else { return nil }
        self = tool
    }

    func main() async {
        switch self {
        case .supernode: await SupernodeCommand.main()
        case .dfdaemon: await DaemonCommand.main()
        case .dfget: await Dfget.start()
        case .dfwebhook: await WebhookCommand.main()
        }
    }

    /// Where it says by itself whether it is ready, unless it is configured otherwise.
    var readiness: String? {
        switch self {
        case .supernode: "http://127.0.0.1:8002/readyz"
        case .dfdaemon: "http://127.0.0.1:65003/readyz"
        case .dfwebhook: "http://127.0.0.1:8080/readyz"
        case .dfget: nil
        }
    }
}
