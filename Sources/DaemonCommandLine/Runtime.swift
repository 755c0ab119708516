import ArgumentParser
import RuntimeSetup

/// `dfdaemon runtime`.
struct Runtime: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Point container runtimes to the dfdaemon of this machine, take that back, and find out what is wrong.",
        subcommands: [Configure.self, Restore.self, Check.self]
    )
}

extension RuntimeName: ExpressibleByArgument {}

/// What `configure` and `restore` share.
struct SetupOptions: ParsableArguments {
    @Argument(help: "What pulls the images.")
    var runtime: RuntimeName

    @Option(help: ArgumentHelp("Where the files are; for images of machines.", valueName: "directory"))
    var root = "/"

    @Flag(help: "Print what would change as a diff for each file, and write nothing.")
    var dryRun = false

    /// What is wrong is one line on standard error, and exit code 1.
    func run(_ body: (RuntimeSetup) throws(SetupError) -> Void) throws {
        do throws(SetupError) {
            let setup = try RuntimeSetup(runtime, root: root)
            try body(setup)
        } catch {
            throw CommandFault(error.description)
        }
    }

    /// Prints what there is to do, has it done, and says what comes next.
    func show(_ plan: SetupPlan, _ apply: () throws(SetupError) -> Void) throws(SetupError) {
        if dryRun {
            print(plan.files.map(\.diff).joined(), terminator: "")
        } else {
            try apply()
            for file in plan.files { print("\(Self.word(file).padding) \(root == "/" ? "" : root)\(file.path)") }
        }
        for note in plan.notes { print("note      \(note)") }
        for next in plan.next { print("next      \(next)") }
        if plan.changes.isEmpty { print("nothing to change") }
    }

    private static func word(_ file: FileChange) -> String {
        guard file.changes else { return "unchanged" }
        return file.before == nil ? "created" : file.after == nil ? "removed" : "changed"
    }
}

extension String {
    fileprivate var padding: String { self + String(repeating: " ", count: max(0, 9 - count)) }
}

/// One line for a person.
struct CommandFault: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
