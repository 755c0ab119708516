import DfgetCommandLine

@main
enum Main {
    static func main() async { await Dfget.start() }
}
