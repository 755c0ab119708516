import Content
import Foundation
import TestSupport
import Testing
import WireAPI

/// What can not be had is refused with one clear line and an exit status of its own, and nothing is left at the target.
@Suite(.serialized) struct BadInputTests {
    /// How an origin fails.
    struct Failing: Sendable, CustomTestStringConvertible {
        let path: String
        let code: Int32
        var arguments: [String] = []

        var testDescription: String { ([path] + arguments).joined(separator: " ") }
    }

    private static let bytes = randomBytes(1_500_000, seed: 101)

    static let failures = [
        Failing(path: "/missing", code: 8),
        Failing(path: "/forbidden", code: 6),
        Failing(path: "/private", code: 6),
        Failing(path: "/broken", code: 5),
        Failing(path: "/early", code: 5),
        Failing(path: "/reset", code: 5),
        Failing(path: "/garbage", code: 5),
        Failing(path: "/truncated", code: 5),
        Failing(path: "/lie", code: 5),
        Failing(path: "http://no-such-host.invalid/file", code: 4),
        Failing(path: "http://127.0.0.1:1/file", code: 4),
        Failing(path: "/good", code: 9, arguments: ["--digest", "\(Digest.of("other"))"]),
        Failing(path: "/good", code: 9, arguments: ["--md5", String(repeating: "0", count: 32)]),
        Failing(path: "/good", code: 2, arguments: ["--digest", "sha256:1234"]),
        Failing(path: "/good", code: 2, arguments: ["--md5", "x"]),
        Failing(path: "/good", code: 2, arguments: ["--locallimit", "fast"]),
    ]

    private static func answer(_ request: ScriptedRequest) -> Script {
        switch request.path {
        case "/good": .content(bytes, for: request, ["ETag": "\"good\""])
        case "/forbidden": .respond(403)
        case "/private": .challenge("Basic realm=\"somewhere\"")
        case "/broken": .respond(500)
        case "/early": .short(bytes, sending: 300_000, ["ETag": "\"early\""])
        case "/reset": Script.head(200, ["Content-Length": "\(bytes.count)"]).body(bytes.prefix(300_000)).reset()
        // A chunked body of an origin that can not say whether it is still the same.
        case "/truncated":
            Script.head(200, ["Transfer-Encoding": "chunked"]).body(Array("200000\r\n".utf8) + bytes).reset()
        // A complete length that is not that of the bytes, in a well-formed answer.
        case "/lie":
            .respond(
                206,
                [
                    "Content-Range": ContentRange(range: ByteRange(length: Int64(bytes.count)), length: 2_000_000)
                        .description,
                    "ETag": "\"lie\"",
                ],
                body: bytes
            )
        case "/garbage": Script.raw(Array("this is not HTTP\r\n\r\n".utf8)).close()
        default: .respond(404)
        }
    }

    @Test(arguments: failures)
    func anOriginsFailureIsToldInOneLineByEveryRoute(failing: Failing) async throws {
        try await withTemporaryDirectory { directory in
            try await withScriptedServer {
                Self.answer($0)
            } body: { origin in
                try await withRoutes(in: directory) { routes in
                    let tool = try Dfget(in: directory)
                    let url = failing.path.hasPrefix("/") ? origin.url(failing.path) : failing.path
                    for (route, options) in routes {
                        let failure = try await tool.fails(
                            options + ["-o", tool.output(route), url] + failing.arguments
                        )
                        #expect(failure.code == failing.code, "\(route): \(failure.line)")
                        #expect(failure.lines == 1, "\(route): \(failure.line)")
                        #expect(!FileManager.default.fileExists(atPath: tool.output(route)))
                        // Of what breaks off the pieces that have come are kept for the next run.
                        if failing.code != 5 { #expect(try tool.outputs() == [], "\(route)") }
                    }
                }
            }
        }
    }

    @Test func aSchemeThatNoNodeKnowsIsNoMatterOfItsConfiguration() async throws {
        try await withTemporaryDirectory { directory in
            try await withRoutes(in: directory) { routes in
                let tool = try Dfget(in: directory)
                for (route, options) in routes {
                    let url = "gopher://127.0.0.1/file"
                    let failure = try await tool.fails(options + ["-o", tool.output(route), url])
                    #expect(failure.code == 6, "\(route): \(failure.line)")
                    #expect(failure.line.contains("gopher: URLs (there are"), "\(route): \(failure.line)")
                    #expect(!failure.line.contains("configuration"), "\(route): \(failure.line)")
                }
            }
        }
    }

    @Test func outputsThatCanNotBeWrittenAreRefusedBeforeAnythingIsFetched() async throws {
        try await withTemporaryDirectory { directory in
            try await withScriptedServer {
                Self.answer($0)
            } body: { origin in
                let tool = try Dfget(in: directory)
                for output in ["\(directory)/out", "\(directory)/out/", "\(directory)/none/file"] {
                    let failure = try await tool.fails(["-o", output, origin.url("/good")])
                    #expect(failure.code == 3, "\(failure.line)")
                    #expect(failure.lines == 1)
                }
                #expect(try tool.outputs() == [])
                #expect(origin.requests.isEmpty)
            }
        }
    }

    @Test func wrongUsageAndConfigurationAreToldApartFromEverythingElse() async throws {
        try await withTemporaryDirectory { directory in
            let unreadable = "\(directory)/wrong.yml"
            try "supernodes: [a, b]\nno_such_key: 1\n".write(toFile: unreadable, atomically: true, encoding: .utf8)
            let missing = try await run(
                try dfget(["--config", "\(directory)/none.yml", "-o", "x", "http://127.0.0.1/"])
            )
            #expect(missing.status.exitCode == 2)
            let wrong = try await run(try dfget(["--config", unreadable, "-o", "x", "http://127.0.0.1/"]))
            #expect(wrong.status.exitCode == 2)
            #expect(wrong.errors.contains("\(unreadable):2"))
            for server in ["supernode", "dfdaemon"] {
                let command = RunningProcess.Command(try builtExecutable(server), ["--config", unreadable])
                let result = try await run(command)
                #expect(result.status.exitCode == 78)
                #expect(result.errors.split(separator: "\n").count == 1)
                #expect(result.errors.contains(unreadable))
            }
        }
    }

    @Test(arguments: ["supernode", "dfdaemon", "dfget"])
    func everyExecutableSaysItsVersion(name: String) async throws {
        let result = try await run(RunningProcess.Command(try builtExecutable(name), ["--version"]))
        #expect(result.status.exitCode == 0)
        #expect(result.output == "\(name) \(DarterVersion.current)\n")
        #expect(result.errors.isEmpty)
    }

    @Test func aPortInUseIsTold() async throws {
        try await withTemporaryDirectory { directory in
            try await withCluster(of: 1, registry: "http://127.0.0.1:1", in: directory) { supernode, daemons in
                let taken = supernode.api.split(separator: ":").last.map(String.init) ?? ""
                let other = "\(directory)/other"
                let configuration = Configurations.supernode(home: "\(other)/home", port: UInt16(taken) ?? 1)
                try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: true)
                try configuration.write(toFile: "\(other)/s.yml", atomically: true, encoding: .utf8)
                let second = try await run(
                    .init(try builtExecutable("supernode"), ["--config", "\(other)/s.yml", "--log-level", "error"])
                )
                #expect(second.status.exitCode == 1)
                #expect(second.errors.contains(taken))
                // Two processes never share a home either.
                let home = URL(filePath: daemons[0].socket).deletingLastPathComponent().path
                let daemon = Configurations.daemon(home: home, supernodes: [])
                try daemon.write(toFile: "\(other)/d.yml", atomically: true, encoding: .utf8)
                let third = try await run(
                    .init(try builtExecutable("dfdaemon"), ["--config", "\(other)/d.yml", "--log-level", "error"])
                )
                #expect(third.status.exitCode == 1)
                #expect(third.errors.contains(home))
                #expect(third.errors.contains("\(daemons[0].process.processIdentifier)"))
                // Others know a daemon by its port: unlike dfget it takes no other.
                let offering = Configurations.daemon(home: "\(other)/home", supernodes: [])
                    .replacing("pieces: {address: \"127.0.0.1:0\"", with: "pieces: {address: \"127.0.0.1:\(taken)\"")
                try offering.write(toFile: "\(other)/d.yml", atomically: true, encoding: .utf8)
                let fourth = try await run(
                    .init(try builtExecutable("dfdaemon"), ["--config", "\(other)/d.yml", "--log-level", "error"])
                )
                #expect(fourth.status.exitCode == 1)
                #expect(fourth.errors.contains("address already in use: 127.0.0.1:\(taken)"), "\(fourth.errors)")
            }
        }
    }

    @Test(.enabled(if: SmallDisk.isPossible, "mounting needs root"), arguments: [false, true])
    func aFullDiskIsToldByEveryRoute(tellsLength: Bool) async throws {
        let bytes = randomBytes(4 << 20, seed: 102)
        try await withTemporaryDirectory { directory in
            try await withScriptedServer { request in
                tellsLength
                    ? .content(bytes, for: request) : .chunked([Array(bytes[..<999_999]), Array(bytes[999_999...])])
            } body: { origin in
                try await withRoutes(in: directory) { routes in
                    for (route, options) in routes {
                        try await SmallDisk.with(megabytes: 2) { disk in
                            let tool = try Dfget(in: directory)
                            let failure = try await tool.fails(options + ["-o", "\(disk)/file", origin.url("/file")])
                            #expect(failure.code == 3, "\(route): \(failure.line)")
                            #expect(failure.lines == 1, "\(route): \(failure.line)")
                            #expect(!FileManager.default.fileExists(atPath: "\(disk)/file"))
                        }
                    }
                }
            }
        }
    }
}
