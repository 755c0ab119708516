import Content
import Foundation
import Synchronization
import TestSupport
import Testing

/// Outputs that can only be written to in order.
@Suite(.serialized) struct StreamOutputTests {
    @Test func contentThatChangesBeforeAnythingHasGoneOutIsBegunAnewByEveryRoute() async throws {
        let bytes = randomBytes(3_000_000, seed: 132)
        let seen = Mutex<Set<String>>([])
        try await withTemporaryDirectory { directory in
            try await withScriptedServer { request in
                // Nothing says whether it is still the same after it broke off, before its first piece was whole.
                seen.withLock { $0.insert(request.path).inserted }
                    ? .short(Array(bytes.reversed()), sending: 100_000) : .respond(200, body: bytes)
            } body: { origin in
                try await withRoutes(in: directory) { routes in
                    let tool = try Dfget(in: directory)
                    let pipe = "\(directory)/pipe"
                    try #require(mkfifo(pipe, 0o600) == 0)
                    for (route, options) in routes {
                        async let read = run(.init("sha256sum", [pipe]))
                        let result = try await run(try tool.command(options + ["-o", pipe, origin.url("/\(route)")]))
                        #expect(result.status.isSuccess, "\(route): \(result.errors)")
                        let sum = try await read.output
                        #expect(sum.hasPrefix(Digest.of(bytes).hex), "\(route): \(sum)")
                    }
                }
            }
        }
    }

    @Test func pipesAndDevicesGetTheContentByEveryRoute() async throws {
        let bytes = randomBytes(3_000_000, seed: 131)
        try await withTemporaryDirectory { directory in
            try await withScriptedServer { request in
                .content(bytes, for: request)
            } body: { origin in
                try await withRoutes(in: directory) { routes in
                    let tool = try Dfget(in: directory)
                    let pipe = "\(directory)/pipe"
                    try #require(mkfifo(pipe, 0o600) == 0)
                    for (route, options) in routes {
                        let url = origin.url("/\(route)")
                        async let read = run(.init("sha256sum", [pipe]))
                        let summary = try await tool.get(options + ["-o", pipe, url])
                        #expect(summary.bytes == 3_000_000)
                        let sum = try await read.output
                        #expect(sum.hasPrefix(Digest.of(bytes).hex), "\(route): \(sum)")
                        var status = stat()
                        #expect(stat(pipe, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO)
                        let null = try await tool.get(options + ["-o", "/dev/null", url])
                        #expect(null.bytes == 3_000_000)
                        #expect(stat("/dev/null", &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)
                        let full = try await tool.fails(options + ["-o", "/dev/full", url])
                        #expect(full.code == 3, "\(full.line)")
                        let late = try await tool.fails(options + ["-o", pipe, "--timeout", "300ms", url])
                        #expect(late.code == 7, "nobody reads: \(late.line)")
                    }
                }
            }
        }
    }

    /// A dfget for which the shell does something with its descriptors first.
    private func command(_ redirection: String, _ tool: Dfget, _ arguments: [String]) throws -> RunningProcess.Command {
        let command = try tool.command(arguments)
        return .init("bash", ["-c", "exec \"$@\" \(redirection)", "bash", command.executable] + command.arguments)
    }

    @Test func onlyDescriptorsOfTheCallerAreWrittenTo() async throws {
        let bytes = randomBytes(300_000, seed: 132)
        try await withTemporaryDirectory { directory in
            try await withScriptedServer { request in
                .content(bytes, for: request)
            } body: { origin in
                let tool = try Dfget(in: directory)
                let url = origin.url("/file")
                // dfget has as many open itself, sooner or later.
                for descriptor in 3..<24 {
                    let place = "/dev/fd/\(descriptor)"
                    let result = try await run(try command("\(descriptor)>&-", tool, ["-o", place, url]))
                    #expect(result.status.exitCode == 3, "\(result.errors)")
                    #expect(result.errors == "dfget: \(place) is not open for writing\n")
                }
                for redirection in [">&-", "<&- >&-", "1</dev/null"] {
                    let result = try await run(try command(redirection, tool, ["-o", "-", url]))
                    #expect(result.status.exitCode == 3, "\(result.errors)")
                    #expect(result.errors == "dfget: standard output is not open for writing\n")
                }
                #expect(origin.requests.isEmpty)
                // Open ones get the content, whatever else is closed.
                let output = tool.output()
                for (redirection, place) in [("20>\(output)", "/dev/fd/20"), (">\(output) <&- 2>&-", "-")] {
                    let result = try await run(try command(redirection, tool, ["-o", place, url]))
                    #expect(result.status.isSuccess, "\(result.errors)")
                    #expect(try fileDigest(output) == Digest.of(bytes), "\(redirection)")
                }
            }
        }
    }

    @Test func closedStandardDescriptorsAreNeverAnythingElse() async throws {
        let bytes = randomBytes(300_000, seed: 133)
        let release = TestEvent()
        try await withTemporaryDirectory { directory in
            try await withScriptedServer { request in
                await release.wait()
                return .content(bytes, for: request)
            } body: { origin in
                let tool = try Dfget(in: directory)
                let arguments = ["--json", "-o", tool.output(), origin.url("/file")]
                try await withProcess(try command("<&- >&- 2>&-", tool, arguments)) { process in
                    await origin.waitForRequests(1)
                    for descriptor in 0...2 {
                        let place = "/proc/\(process.processIdentifier)/fd/\(descriptor)"
                        let opened = try FileManager.default.destinationOfSymbolicLink(atPath: place)
                        #expect(opened == "/dev/null")
                    }
                    release.fire()
                    #expect(await process.end().status.isSuccess)
                }
                #expect(try fileDigest(tool.output()) == Digest.of(bytes))
            }
        }
    }
}
