internal import Glibc
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct RunningProcessTests {
    @Test func collectsOutputsAndExitCode() async throws {
        let result = try await run(.init("bash", ["-c", "echo out; echo err >&2; exit 3"]))
        #expect(result.status == .code(3))
        #expect(result.output == "out\n")
        #expect(result.errors == "err\n")
        #expect(result.end.peakResidentBytes > 0)
    }

    @Test func aChildInheritsNothingButItsStandardStreams() async throws {
        let descriptor = open("/dev/null", O_RDONLY)
        defer { close(descriptor) }
        let result = try await run(.init("bash", ["-c", "test -e /proc/$$/fd/\(descriptor)"]))
        #expect(result.status == .code(1))
    }

    @Test func waitsForALineThatIsStillToCome() async throws {
        let value = try await withProcess(
            .init("bash", ["-c", "echo one; read -t 0.1 <> <(:); echo port=4711; read <> <(:)"])
        ) {
            try await $0.line { $0.hasPrefix("port=") ? Int($0.dropFirst(5)) : nil }
        }
        #expect(value == 4711)
    }

    @Test func aLastLineWithoutLineFeedCounts() async throws {
        let line = try await withProcess(.init("printf", ["no line feed"])) { process in
            try await process.line(containing: "feed")
        }
        #expect(line == "no line feed")
    }

    @Test func saysWhatWasPrintedWhenTheLineDoesNotCome() async throws {
        await #expect(throws: RigError.self) {
            try await withProcess(.init("bash", ["-c", "echo 'address in use' >&2; exit 1"])) {
                try await $0.line(containing: "ready")
            }
        }
        do {
            try await withProcess(.init("bash", ["-c", "echo waiting; exec sleep 60"])) { process in
                _ = try await process.line(containing: "ready", within: .milliseconds(200))
            }
            Issue.record("there was no such line")
        } catch let error as RigError {
            #expect(error.description.contains("waiting"))
        }
    }

    @Test func stopEndsWithSIGTERMAndThenWithSIGKILL() async throws {
        let polite = try RunningProcess(.init("sleep", ["60"]))
        #expect(await polite.stop().status == .signal(SIGTERM))
        #expect(!polite.isRunning)

        let stubborn = try RunningProcess(
            .init("bash", ["-c", "trap '' TERM; echo ready; while :; do read -t 1 <> <(:); done"])
        )
        try await stubborn.line(containing: "ready")
        #expect(await stubborn.stop(grace: .zero).status == .signal(SIGKILL))
    }

    @Test func whatAProcessLeavesInTheBackgroundIsEndedWithIt() async throws {
        let child = try await withProcess(.init("bash", ["-c", "sleep 60 & echo $!"])) { process in
            // The background process holds the output open: the end of its parent must be seen all the same.
            #expect(await process.end().status == .code(0))
            return try await process.line { pid_t($0) }
        }
        // It is gone, or it is a zombie until init reaps it.
        var state: String
        repeat {
            state = try await run(.init("ps", ["-o", "stat=", "-p", "\(child)"])).output
        } while !state.isEmpty && !state.hasPrefix("Z")
    }

    @Test func aCommandThatTakesTooLongFails() async throws {
        await #expect(throws: RigError.self) {
            try await run(.init("sleep", ["60"]), within: .milliseconds(100))
        }
    }

    @Test func anUnknownExecutableIsAnError() {
        #expect(throws: RigError.self) { try RunningProcess(.init("/nonexistent/executable")) }
    }

    @Test func outputCanGoToAFile() async throws {
        var command = RunningProcess.Command("bash", ["-c", "echo text"])
        command.output = "/dev/null"
        let result = try await run(command)
        #expect(result.status.isSuccess)
        #expect(result.output.isEmpty)
    }

    @Test func findsOurExecutablesBesideTheTests() throws {
        for name in ["supernode", "dfdaemon", "dfget"] {
            #expect(try builtExecutable(name).hasSuffix("/\(name)"))
        }
        #expect(throws: RigError.self) { try builtExecutable("no-such-executable") }
    }
}
