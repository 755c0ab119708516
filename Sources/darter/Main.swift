import ArgumentParser
import Glibc
import NodeAssembly

/// All tools share nearly all of their code: one file of them is a quarter of the size of four.
@main
enum Main {
    static func main() async {
        let words = CommandLine.arguments
        if let tool = Tool(path: words.first) {
            await tool.main()
        } else if words.count > 1, Tool(rawValue: words[1]) != nil {
            become(Array(words.dropFirst()))
        } else {
            await Darter.main()
        }
    }

    /// `darter dfget URL`: called by the tool's name after all.
    private static func become(_ words: [String]) -> Never {
        execv("/proc/self/exe", words.map { strdup($0) } + [nil])
        ProcessOptions.say("darter: \(words[0]) can not be started: \(String(cString: strerror(errno)))")
        ProcessOptions.leave(1)
    }
}
