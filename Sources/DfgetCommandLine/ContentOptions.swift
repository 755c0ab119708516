import ArgumentParser
import DownloadTool

/// What is to be downloaded, and where to.
struct ContentOptions: ParsableArguments {
    @Option(
        name: [.short, .long, .customShort("O")],
        help: ArgumentHelp(
            "The output file, pipe or device, - for standard output; otherwise the last part of the URL's path.",
            valueName: "file"
        )
    )
    var output: String?

    @Option(
        help: ArgumentHelp(
            "The digest that the content must have, such as sha256:...; without a URL it names the content.",
            valueName: "digest"
        )
    )
    var digest: String?

    @Option(name: .shortAndLong, help: ArgumentHelp("The MD5 sum that the content must have.", valueName: "hex"))
    var md5: String?

    @Option(name: .shortAndLong, help: ArgumentHelp("Keeps contents of one URL apart.", valueName: "tag"))
    var identifier: String?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Query parameters that do not name the content: a&b or a,b.", valueName: "names")
    )
    var filter: String?

    @Option(
        help: ArgumentHelp(
            "A request header, 'Name: value'. Accept... and User-Agent select the content; all others are secrets.",
            valueName: "field"
        )
    )
    var header: [String] = []

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "From peers and supernode (p2p), the supernode alone (cdn) or the origin (source).",
            valueName: "pattern"
        )
    )
    var pattern: String?

    @Flag(help: "Never go to the origin from this machine.")
    var notbs = false

    func arguments(url: String?) -> DownloadArguments {
        var arguments = DownloadArguments()
        arguments.url = url
        arguments.output = output
        arguments.digest = digest
        arguments.md5 = md5
        arguments.identifier = identifier
        arguments.filter = filter
        arguments.headers = header
        arguments.pattern = pattern
        arguments.notBackToSource = notbs
        return arguments
    }
}
