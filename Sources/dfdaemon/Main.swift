import ArgumentParser
import DaemonCommandLine

@main
enum Main {
    static func main() async { await DaemonCommand.main() }
}
