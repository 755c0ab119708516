internal import Dispatch
internal import Foundation
package import Glibc
internal import Synchronization

/// A child process: what it prints can be waited for line by line, and it is ended by its id, never by name.
package final class RunningProcess: Sendable {
    /// What to run.
    package struct Command: Sendable {
        /// Found through PATH unless it has a slash.
        package var executable: String
        /// Without the executable's name.
        package var arguments: [String]
        /// Added to our environment.
        package var environment: [String: String] = [:]
        /// The working directory; nil: ours.
        package var directory: String?
        /// A file for standard input; nil: nothing.
        package var input: String?
        /// A file for standard output; nil: it is kept in memory.
        package var output: String?

        /// Runs `executable` with `arguments`.
        package init(_ executable: String, _ arguments: [String] = []) {
            self.executable = executable
            self.arguments = arguments
        }
    }

    /// What was started.
    package let command: Command
    /// The process id, which is also its process group.
    package let processIdentifier: pid_t

    private let log = LineLog()
    private let standardOutput: ProcessOutput
    private let standardError: ProcessOutput
    private let ended = OneShot<ProcessEnd>()
    /// Whether the process id is still ours to signal; held while signalling, so that no reused id is ever hit.
    private let isOurs = Mutex(true)
    /// Whether its process group may still be signalled.
    private let hasGroup = Mutex(true)

    /// Starts a process.
    package init(_ command: Command) throws(RigError) {
        self.command = command
        standardOutput = ProcessOutput(log: log)
        standardError = ProcessOutput(log: log)

        let input = open(command.input ?? "/dev/null", O_RDONLY | O_CLOEXEC)
        guard input >= 0 else { throw RigError("cannot read \(command.input ?? "/dev/null")") }
        defer { close(input) }
        let output = try Self.outputDescriptors(command.output)
        defer { close(output.write) }
        let error = try Self.outputDescriptors(nil)
        defer { close(error.write) }
        let end = try Pipe()

        var path = ProcessInfo.processInfo.environment
        // nginx and docker-registry may live where only root's PATH points to.
        path["PATH"] = (path["PATH"] ?? "/usr/bin:/bin") + ":/usr/sbin:/sbin"
        let words = command.directory.map { ["env", "-C", $0, command.executable] } ?? [command.executable]
        processIdentifier = try SpawnRequest(
            executable: words[0],
            arguments: words.dropFirst() + command.arguments,
            environment: path.merging(command.environment) { $1 },
            input: input,
            output: output.write,
            error: error.write
        ).spawn()
        ProcessReaper.shared.watch(processIdentifier)

        let pid = processIdentifier
        Thread.detachNewThread {
            var information = siginfo_t()
            while waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
            close(end.write)
        }
        Thread.detachNewThread { [self] in
            collect(output: output.read, error: error.read, end: end.read)
        }
    }

    private static func outputDescriptors(_ path: String?) throws(RigError) -> (read: Int32, write: Int32) {
        if let path {
            let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
            guard descriptor >= 0 else { throw RigError("cannot write \(path)") }
            return (-1, descriptor)
        }
        let pipe = try Pipe()
        _ = fcntl(pipe.read, F_SETFL, O_NONBLOCK)
        return (pipe.read, pipe.write)
    }

    /// Reads both outputs until the process has ended, then reaps it.
    ///
    /// The end of the process counts, not the end of its outputs: something it left in the background may hold them.
    private func collect(output: Int32, error: Int32, end: Int32) {
        var descriptors = [output, error, end].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        while descriptors[2].revents == 0 {
            guard poll(&descriptors, 3, -1) >= 0 || errno == EINTR else { break }
            for (index, stream) in [standardOutput, standardError].enumerated() where descriptors[index].revents != 0 {
                if !stream.drain(descriptors[index].fd) { descriptors[index].fd = -1 }
                descriptors[index].revents = 0
            }
        }
        for (stream, descriptor) in [(standardOutput, output), (standardError, error)] {
            if descriptor >= 0 { _ = stream.drain(descriptor) }
            stream.end()
            if descriptor >= 0 { close(descriptor) }
        }
        close(end)

        var waitStatus: Int32 = 0
        var usage = rusage()
        isOurs.withLock { isOurs in
            while wait4(processIdentifier, &waitStatus, 0, &usage) < 0, errno == EINTR {}
            isOurs = false
        }
        ended.set(ProcessEnd(waitStatus: waitStatus, usage: usage))
        log.end()
    }

    /// The end of the process, once it has ended.
    package func end() async -> ProcessEnd { await ended.wait() }

    /// Whether the process has not ended yet.
    package var isRunning: Bool { ended.current == nil }

    /// What it has printed on standard output so far.
    package var output: String { standardOutput.text }

    /// What it has printed on standard error so far.
    package var errors: String { standardError.text }

    /// The most memory it has had resident so far, in bytes; nil after its end (``end()`` tells it then).
    package var peakResidentBytes: Int64? {
        guard let status = try? String(contentsOfFile: "/proc/\(processIdentifier)/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") })
        else { return nil }
        return line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int64($0) }.map { $0 * 1024 }
    }

    /// The first line on either output, printed already or still to come, that `parse` makes something of.
    ///
    /// Fails with what the process printed last if it ends without that line, or takes longer than `limit`.
    package func line<Value: Sendable>(
        within limit: Duration = .seconds(30),
        _ parse: @escaping @Sendable (String) -> Value?
    ) async throws -> Value {
        let log = log
        let found = try? await withDeadline(limit) { await log.first(parse) }
        if let value = found ?? nil { return value }
        try Task.checkCancellation()
        let state = isRunning ? "did not print the expected line within \(limit)" : "ended without the expected line"
        throw RigError("\(command.executable) \(command.arguments.joined(separator: " ")) \(state):\n\(lastLines())")
    }

    /// The first line on either output, printed already or still to come, that contains `text`.
    @discardableResult
    package func line(containing text: String, within limit: Duration = .seconds(30)) async throws -> String {
        try await line(within: limit) { $0.contains(text) ? $0 : nil }
    }

    /// The last lines of both outputs.
    package func lastLines(_ count: Int = 20) -> String { log.lines.suffix(count).joined(separator: "\n") }

    /// Sends a signal to the process, if it has not ended.
    package func signal(_ number: Int32) {
        isOurs.withLock { isOurs in
            if isOurs { _ = Glibc.kill(processIdentifier, number) }
        }
    }

    /// Ends the process as a crash would (SIGKILL) and returns when it is gone.
    @discardableResult
    package func kill() async -> ProcessEnd {
        signal(SIGKILL)
        return await end()
    }

    /// Ends the process: SIGTERM, and SIGKILL after `grace`; then whatever it left in its process group.
    ///
    /// Returns how the process itself ended: `.signal(SIGKILL)` means that it did not stop when asked to.
    @discardableResult
    package func stop(grace: Duration = .seconds(15)) async -> ProcessEnd {
        signal(SIGTERM)
        let seconds = Double(grace.components.seconds)
        DispatchQueue.global().asyncAfter(deadline: .now() + seconds) { [weak self] in self?.signal(SIGKILL) }
        let end = await end()
        // Once: later the number may be somebody else's.
        hasGroup.withLock { hasGroup in
            if hasGroup { _ = Glibc.kill(-processIdentifier, SIGKILL) }
            hasGroup = false
        }
        ProcessReaper.shared.forget(processIdentifier)
        return end
    }

    /// Stops the process and returns all that it printed on standard error.
    ///
    /// Only an ended process has said everything: what ``errors`` has of a running one shows nothing by what it lacks.
    package func stopForErrors() async -> String {
        await stop()
        return errors
    }
}
