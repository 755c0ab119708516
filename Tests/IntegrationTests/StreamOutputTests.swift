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
}
