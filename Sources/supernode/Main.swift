import ArgumentParser
import SupernodeCommandLine

@main
enum Main {
    static func main() async { await SupernodeCommand.main() }
}
