import BackendAPI
import Content
import NodeConfig
import Synchronization
import TestSupport
import Testing

@testable import OriginFetch

/// An origin that answers questions as a closure says, and can be held back.
final class AskedOrigin: Backend {
    typealias Answer = @Sendable (OriginRequest) throws(BackendError) -> ContentHead

    private struct State {
        var requests: [OriginRequest] = []
        var answer: Answer
        var hold: TestEvent?
    }

    private let state: Mutex<State>
    let capabilities: BackendCapabilities = []

    init(_ answer: @escaping Answer) { state = Mutex(State(answer: answer)) }

    var requests: [OriginRequest] { state.withLock { $0.requests } }
    func answers(_ answer: @escaping Answer) { state.withLock { $0.answer = answer } }

    /// Holds back what is asked from now on; nil: nothing.
    func hold(_ event: TestEvent?) { state.withLock { $0.hold = event } }

    func fetch(_ request: OriginRequest, into sink: any ContentSink) async throws(BackendError) {
        throw BackendError(.unsupported, "only asked")
    }

    /// The answer is what it was when the request came.
    func head(_ request: OriginRequest) async throws(BackendError) -> ContentHead {
        let (answer, hold) = state.withLock { state in
            state.requests.append(request)
            return (state.answer, state.hold)
        }
        let result: Result<ContentHead, BackendError>
        do throws(BackendError) { result = .success(try answer(request)) } catch { result = .failure(error) }
        await hold?.wait()
        if Task.isCancelled { throw BackendError(.cancelled, "cancelled") }
        return try result.get()
    }
}

private struct AskedPlugin: BackendPlugin {
    let origin: AskedOrigin
    var name: String { "asked" }
    var schemes: [String] { ["http", "https"] }
    func makeBackend(_ options: RawConfig) throws(ConfigError) -> any Backend { origin }
}

/// Inquiries over one origin that stands for all hosts, of which `configured` are named by the configuration.
private func withInquiries(
    asked: Duration = .seconds(60),
    unreachable: Duration = .seconds(3600),
    configured: [String] = [],
    _ answer: @escaping AskedOrigin.Answer,
    _ body: (OriginInquiries, AskedOrigin, ManualClock) async throws -> Void
) async throws {
    let origin = AskedOrigin(answer)
    let jobs = BackgroundJobs()
    let clock = ManualClock()
    let plugin = AskedPlugin(origin: origin)
    var entries: [BackendEntry] = []
    for hosts in [["*"], configured] where !hosts.isEmpty {
        var entry = BackendEntry()
        entry.plugin = plugin.name
        entry.hosts = hosts
        entries.append(entry)
    }
    let inquiries = OriginInquiries(
        AccessTimes(asked: asked, unreachable: unreachable),
        backends: try BackendRegistry(plugins: [plugin], entries: entries),
        jobs: jobs,
        now: { clock.now }
    )
    let running = Task { await jobs.run() }
    defer { running.cancel() }
    try await body(inquiries, origin, clock)
}

final class ManualClock: Sendable {
    private let start = ContinuousClock.now
    private let elapsed = Mutex(Duration.zero)
    var now: ContinuousClock.Instant { start + elapsed.withLock { $0 } }
    func pass(_ time: Duration) { elapsed.withLock { $0 += time } }
}

/// A blob that is here, having come from repository `y` of `r.test` with somebody's credentials.
private let blob = Digest.of("blob")
private func heldBlob() -> HeldContent {
    let record = OriginRecord(url: ResourceURL("https://r.test/v2/y/blobs/\(blob)"), digest: blob, openAccess: false)
    return HeldContent(record, of: TaskID(content: blob), Generation(content: blob), length: 4)
}

private func source(_ url: String, _ token: String?) throws -> Source {
    Source(
        resource: Resource(url: try #require(ResourceURL(url)), digest: blob),
        credentials: token.map { .bearer($0) } ?? Credentials()
    )
}

private func token(_ request: OriginRequest) -> String? {
    request.credentials.headers["Authorization"].map { String($0.dropFirst("Bearer ".count)) }
}

/// A registry where `anna` may read everything, `mallory` repository `x` alone, and nobody anything else.
@Sendable private func registry(_ request: OriginRequest) throws(BackendError) -> ContentHead {
    let path = request.resource.url.path
    let token = token(request)
    guard token == "anna" || token == "mallory" && path.hasPrefix("/v2/x/") else {
        throw token == nil
            ? BackendError(.unauthorized, "who?", challenges: ["Bearer realm=\"t\""], status: 401)
            : BackendError(.forbidden, "no", status: 403)
    }
    guard path.contains("/manifests/") || path == "/v2/y/blobs/\(blob)" else {
        throw BackendError(.notFound, "no", status: 404)
    }
    return ContentHead(length: 4, digest: path.contains("/blobs/") ? blob : Digest.of(path))
}

private func failure(_ body: () async throws(AccessFailure) -> Void) async -> String? {
    do throws(AccessFailure) {
        try await body()
        return nil
    } catch {
        return switch error {
        case .origin(let error): error.code.description
        case .unproven: "unproven"
        case .otherContent: "otherContent"
        case .busy: "busy"
        }
    }
}

@Suite(.timeLimit(.minutes(1))) struct PermissionTests {
    private func permit(
        _ inquiries: OriginInquiries,
        _ url: String,
        _ token: String?,
        held: HeldContent? = nil
    ) async throws -> String? {
        let (source, content) = (try source(url, token), held ?? heldBlob())
        return await failure { () async throws(AccessFailure) in try await inquiries.permit(source) { content } }
    }

    private let inY = "https://r.test/v2/y/blobs/\(blob)"
    private let inX = "https://r.test/v2/x/blobs/\(blob)"

    @Test("One question for a repository and one for a blob are all there are in a minute")
    func remembered() async throws {
        try await withInquiries(registry) { (inquiries, origin, clock) async throws in
            #expect(try await permit(inquiries, inY, "anna") == nil)
            // Whether anybody may have it, and then she.
            #expect(origin.requests.map { token($0) } == [nil, "anna"])
            #expect(try await permit(inquiries, inY, "anna") == nil)
            clock.pass(.seconds(59))
            #expect(try await permit(inquiries, inY, "anna") == nil)
            #expect(origin.requests.count == 2)
            clock.pass(.seconds(1))
            #expect(try await permit(inquiries, inY, "anna") == nil)
            #expect(origin.requests.count == 4)
        }
    }

    @Test("Who may read a repository gets nothing of another by its name, and nobody gets in by the digest")
    func isolation() async throws {
        try await withInquiries(registry) { (inquiries, _, _) async throws in
            #expect(try await permit(inquiries, inY, "anna") == nil)
            // Mallory's right to x is known, and so are digest and name of y's blob.
            let manifest = Resource(url: try #require(ResourceURL("https://r.test/v2/x/manifests/v1")))
            _ = try await inquiries.lookUp(manifest, credentials: .bearer("mallory"))
            #expect(try await permit(inquiries, inX, "mallory") == "notFound")
            #expect(try await permit(inquiries, inY, "mallory") == "forbidden")
            #expect(try await permit(inquiries, inX, nil) == "unauthorized")
            #expect(try await permit(inquiries, inY, nil) == "unauthorized")
            let content = heldBlob()
            #expect(
                await failure { () async throws(AccessFailure) in try await inquiries.permit(nil) { content } }
                    == "unproven"
            )
        }
    }

    @Test("A server that says yes to everything opens nothing, not even after it named the digest for a tag")
    func evilServer() async throws {
        try await withInquiries { _ in
            ContentHead(length: 4, digest: blob)
        } _: { (inquiries, origin, _) async throws in
            let tag = Resource(url: try #require(ResourceURL("https://evil.test/v2/x/manifests/v1")))
            let head = try await inquiries.lookUp(tag, credentials: .bearer("mallory"))
            #expect(head.digest == blob)
            let asked = origin.requests.count
            #expect(try await permit(inquiries, "https://evil.test/v2/x/blobs/\(blob)", "mallory") == "unproven")
            #expect(try await permit(inquiries, "https://evil.test/v2/x/blobs/\(blob)", nil) == "unproven")
            #expect(origin.requests.count == asked)
        }
    }

    @Test("A registry that the configuration names may have the same blob, and decides who gets it")
    func configuredRegistry() async throws {
        try await withInquiries(configured: ["other.test"]) { request throws(BackendError) in
            guard token(request) == "anna" else { throw BackendError(.forbidden, "no", status: 403) }
            return ContentHead(length: 4, digest: blob)
        } _: { (inquiries, _, _) async throws in
            let url = "https://other.test/v2/z/blobs/\(blob)"
            #expect(try await permit(inquiries, url, "anna") == nil)
            #expect(try await permit(inquiries, url, "mallory") == "forbidden")
        }
    }

    @Test("A thousand tokens for one open blob cost one question")
    func openRepository() async throws {
        try await withInquiries { _ in
            ContentHead(length: 4, digest: blob)
        } _: { (inquiries, origin, clock) async throws in
            let hold = TestEvent()
            origin.hold(hold)
            try await withThrowingTaskGroup(of: String?.self) { group in
                for number in 0..<1000 { group.addTask { try await permit(inquiries, inY, "\(number)") } }
                await eventually { inquiries.waiting == 1000 }
                hold.fire()
                for try await failure in group { #expect(failure == nil) }
            }
            #expect(origin.requests.map { token($0) } == [nil])
            // Another blob of the repository: its own question, and again nobody in particular is asked about.
            clock.pass(.seconds(61))
            #expect(try await permit(inquiries, inY, "new") == nil)
            #expect(origin.requests.map { token($0) } == [nil, nil])
        }
    }

    @Test("While the origin is silent, what was allowed within the hour stays allowed, and nothing else is")
    func outage() async throws {
        try await withInquiries(registry) { (inquiries, origin, clock) async throws in
            #expect(try await permit(inquiries, inY, "anna") == nil)
            origin.answers { _ throws(BackendError) in throw BackendError(.unreachable, "down") }
            clock.pass(.seconds(3599))
            #expect(try await permit(inquiries, inY, "anna") == nil)
            #expect(try await permit(inquiries, inY, "mallory") == "unreachable")
            #expect(try await permit(inquiries, inX, "anna") == "unreachable")
            clock.pass(.seconds(1))
            #expect(try await permit(inquiries, inY, "anna") == "unreachable")
        }
    }

    @Test(
        "A no is no outage, and what the origin took back is not given in one",
        arguments: [BackendError.Code.unauthorized, .forbidden, .notFound]
    )
    func takenBack(code: BackendError.Code) async throws {
        try await withInquiries(registry) { (inquiries, origin, clock) async throws in
            #expect(try await permit(inquiries, inY, "anna") == nil)
            clock.pass(.seconds(61))
            origin.answers { _ throws(BackendError) in throw BackendError(code, "no") }
            #expect(try await permit(inquiries, inY, "anna") == code.description)
            origin.answers { _ throws(BackendError) in throw BackendError(.timedOut, "down") }
            #expect(try await permit(inquiries, inY, "anna") == "timedOut")
        }
    }

    @Test("Where nothing is to be believed in an outage, nothing is given")
    func strictOutage() async throws {
        try await withInquiries(unreachable: .zero, registry) { (inquiries, origin, clock) async throws in
            #expect(try await permit(inquiries, inY, "anna") == nil)
            origin.answers { _ throws(BackendError) in throw BackendError(.unavailable, "down", status: 503) }
            #expect(try await permit(inquiries, inY, "anna") == nil)
            clock.pass(.seconds(60))
            #expect(try await permit(inquiries, inY, "anna") == "unavailable")
        }
    }

    @Test("At a plain URL each one's credentials are asked about, and what they bring has to be what is here")
    func plainURL() async throws {
        try await withInquiries { request throws(BackendError) in
            ContentHead(length: 4, validators: Validators(entityTag: token(request) == "other" ? "\"2\"" : "\"1\""))
        } _: { (inquiries, origin, _) async throws in
            let url = "http://files.test/x"
            let record = OriginRecord(
                url: ResourceURL(url),
                digest: nil,
                validators: Validators(entityTag: "\"1\""),
                openAccess: false
            )
            let held = HeldContent(record, of: TaskID(url: url), Generation(length: 4, validator: "1"), length: 4)
            #expect(try await permit(inquiries, url, "anna", held: held) == nil)
            #expect(try await permit(inquiries, url, "berta", held: held) == nil)
            #expect(try await permit(inquiries, url, "other", held: held) == "otherContent")
            #expect(try await permit(inquiries, url, nil, held: held) == nil)
            #expect(origin.requests.map { token($0) } == ["anna", "berta", "other", nil])
            // The next version is another right.
            let next = HeldContent(record, of: TaskID(url: url), Generation(length: 4, validator: "2"), length: 4)
            #expect(try await permit(inquiries, url, "anna", held: next) == nil)
            #expect(origin.requests.count == 5)
        }
    }

    @Test("A question that everybody has left is given up")
    func givenUp() async throws {
        try await withInquiries(registry) { (inquiries, origin, _) async throws in
            origin.hold(TestEvent())
            let asking = Task { try await permit(inquiries, inY, "anna") }
            await eventually { origin.requests.count == 1 }
            asking.cancel()
            #expect(try await asking.value == "cancelled")
            origin.hold(nil)
            #expect(try await permit(inquiries, inY, "anna") == nil)
        }
    }
}

@Suite(.timeLimit(.minutes(1))) struct LookupTests {
    private let tag = "https://r.test/v2/x/manifests/v1"

    private func resource() throws -> Resource { Resource(url: try #require(ResourceURL(tag))) }

    @Test("No answer is older than its question: who comes while one is on its way gets the next one's")
    func strictness() async throws {
        try await withInquiries { _ in
            ContentHead(digest: Digest.of("old"))
        } _: { (inquiries, origin, _) async throws in
            let (resource, hold) = (try resource(), TestEvent())
            origin.hold(hold)
            let first = Task { try await inquiries.lookUp(resource, credentials: Credentials()).digest }
            await eventually { origin.requests.count == 1 }
            origin.answers { _ in ContentHead(digest: Digest.of("new")) }
            let others = (0..<50).map { _ in
                Task { try await inquiries.lookUp(resource, credentials: Credentials()).digest }
            }
            await eventually { inquiries.waiting == 51 }
            origin.hold(nil)
            hold.fire()
            #expect(try await first.value == Digest.of("old"))
            for other in others { #expect(try await other.value == Digest.of("new")) }
            #expect(origin.requests.count == 2)
        }
    }

    @Test("A thousand tokens for one open tag cost a handful of requests")
    func openTag() async throws {
        try await withInquiries { _ in
            ContentHead(digest: Digest.of("manifest"))
        } _: { (inquiries, origin, _) async throws in
            let resource = try resource()
            try await withThrowingTaskGroup(of: Digest?.self) { group in
                for number in 0..<1000 {
                    group.addTask { try await inquiries.lookUp(resource, credentials: .bearer("\(number)")).digest }
                }
                for try await digest in group { #expect(digest == Digest.of("manifest")) }
            }
            #expect((1...8).contains(origin.requests.count))
            #expect(origin.requests.allSatisfy { $0.credentials.isEmpty })
        }
    }

    @Test("In a private repository each token asks for itself, and once it is known to be private, only that")
    func privateTag() async throws {
        try await withInquiries(registry) { (inquiries, origin, _) async throws in
            let resource = try resource()
            for _ in 0..<2 {
                let head = try await inquiries.lookUp(resource, credentials: .bearer("mallory"))
                #expect(head.digest == Digest.of(resource.url.path))
            }
            #expect(origin.requests.map { token($0) } == [nil, "mallory", "mallory"])
            #expect(
                await failure { () async throws(AccessFailure) in
                    _ = try await inquiries.lookUp(resource, credentials: .bearer("nobody"))
                } == "forbidden"
            )
            #expect(
                await failure { () async throws(AccessFailure) in
                    _ = try await inquiries.lookUp(resource, credentials: Credentials())
                } == "unauthorized"
            )
        }
    }

    @Test("A tag that is missing in an open repository is missing for everybody")
    func missing() async throws {
        try await withInquiries { request throws(BackendError) in
            guard request.resource.url.path.hasSuffix("/v1") else { throw BackendError(.notFound, "no", status: 404) }
            return ContentHead()
        } _: { (inquiries, origin, _) async throws in
            _ = try await inquiries.lookUp(try resource(), credentials: .bearer("a"))
            let missing = Resource(url: try #require(ResourceURL("https://r.test/v2/x/manifests/v2")))
            #expect(
                await failure { () async throws(AccessFailure) in
                    _ = try await inquiries.lookUp(missing, credentials: .bearer("b"))
                } == "notFound"
            )
            #expect(origin.requests.map { token($0) } == [nil, nil])
        }
    }

    @Test("What a lookup tells of rights spares the question about the manifest that it named")
    func remembers() async throws {
        try await withInquiries(registry) { (inquiries, origin, _) async throws in
            let resource = try resource()
            let digest = try #require(try await inquiries.lookUp(resource, credentials: .bearer("anna")).digest)
            let asked = origin.requests.count
            let url = try #require(ResourceURL("https://r.test/v2/x/manifests/\(digest)"))
            let record = OriginRecord(url: url, digest: digest, openAccess: false)
            let held = HeldContent(record, of: TaskID(content: digest), Generation(content: digest), length: 4)
            let own = Source(resource: Resource(url: url, digest: digest), credentials: .bearer("anna"))
            try await inquiries.permit(own) { held }
            #expect(origin.requests.count == asked)
        }
    }

    @Test("Tags, headers and credentials that select other content are other questions")
    func keys() async throws {
        try await withInquiries { request in
            ContentHead(digest: Digest.of("\(token(request) ?? "") \(request.resource.headers["Accept"] ?? "")"))
        } _: { (inquiries, _, _) async throws in
            let url = try #require(ResourceURL("http://files.test/x"))
            for token in ["a", "b"] {
                for accept in ["1", "2"] {
                    let resource = Resource(url: url, headers: ["Accept": accept])
                    let head = try await inquiries.lookUp(resource, credentials: .bearer(token))
                    #expect(head.digest == Digest.of("\(token) \(accept)"))
                }
            }
        }
    }
}
