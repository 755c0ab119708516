import ArgumentParser
import WebhookCommandLine

@main
enum Main {
    static func main() async { await WebhookCommand.main() }
}
