import Content
import RegistryProtocol
import Testing

private let origin = "https://r.example.com"
private let login = RegistryCredentials.basic(user: "u", password: "p")

extension RegistryAuthenticator {
    fileprivate func answer(
        _ challenges: [String] = [bearer],
        _ credentials: RegistryCredentials = .anonymous,
        rejected: String? = nil
    ) async throws(TokenError) -> String? {
        try await authorization(
            answering: challenges,
            from: origin,
            scopes: ["repository:lib/a:pull"],
            credentials: credentials,
            rejected: rejected
        )
    }

    fileprivate func first(
        _ credentials: RegistryCredentials = .anonymous,
        _ scope: String = "repository:lib/a:pull"
    ) async throws(TokenError)
        -> String?
    {
        try await authorization(for: origin, scopes: [scope], credentials: credentials)
    }
}

private func code(_ body: () async throws(TokenError) -> String?) async -> TokenError.Code? {
    do throws(TokenError) {
        _ = try await body()
        return nil
    } catch {
        return error.code
    }
}

@Suite struct RegistryAuthenticatorTests {
    @Test func sendsNothingBeforeItIsAsked() async throws {
        let server = FakeTokenServer()
        let authenticator = RegistryAuthenticator(transport: server)
        #expect(try await authenticator.first(login) == nil)
        #expect(server.requests.isEmpty)
    }

    @Test func fetchesATokenOnceAndUsesItUnasked() async throws {
        let server = FakeTokenServer()
        let authenticator = RegistryAuthenticator(transport: server)
        #expect(try await authenticator.answer() == "Bearer token-1")
        #expect(try await authenticator.first() == "Bearer token-1")
        #expect(try await authenticator.answer() == "Bearer token-1")
        #expect(server.requests.count == 1)
        #expect(try await authenticator.first(.anonymous, "repository:lib/b:pull") == "Bearer token-2")
        #expect(try await authenticator.first(login) == "Bearer token-3")
        #expect(server.requests.map { $0.credentials.isEmpty } == [true, true, false])
    }

    @Test func fetchesANewTokenShortlyBeforeTheOldOneEnds() async throws {
        let (server, time) = (FakeTokenServer(expiresIn: 300), ManualTime())
        let authenticator = RegistryAuthenticator(transport: server, now: time.now)
        #expect(try await authenticator.answer() == "Bearer token-1")
        time.advance(.seconds(289))
        #expect(try await authenticator.first() == "Bearer token-1")
        time.advance(.seconds(1))
        #expect(try await authenticator.first() == "Bearer token-2")
    }

    @Test func refreshesAfterA401() async throws {
        let server = FakeTokenServer()
        let authenticator = RegistryAuthenticator(transport: server)
        #expect(try await authenticator.answer() == "Bearer token-1")
        #expect(try await authenticator.answer(rejected: "Bearer token-1") == "Bearer token-2")
        #expect(
            try await authenticator.answer(rejected: "Bearer token-1") == "Bearer token-2",
            "somebody else was faster"
        )
        #expect(server.requests.count == 2)
    }

    @Test func givesUpWhenTheSameTokenComesAgain() async throws {
        let server = FakeTokenServer { _, _ in TokenAnswer(status: 200, body: Array(#"{"token":"same"}"#.utf8)) }
        let authenticator = RegistryAuthenticator(transport: server)
        #expect(try await authenticator.answer() == "Bearer same")
        #expect(try await authenticator.answer(rejected: "Bearer same") == nil)
    }

    @Test func knowsBasic() async throws {
        let authenticator = RegistryAuthenticator(transport: FakeTokenServer())
        let basic = "Basic dTpw"
        #expect(try await authenticator.answer(["Basic realm=\"x\""], login) == basic)
        #expect(try await authenticator.first(login) == basic)
        #expect(try await authenticator.first(.anonymous) == nil)
        #expect(try await authenticator.answer(["Basic realm=\"x\""], login, rejected: basic) == nil)
        #expect(try await authenticator.answer(["Basic realm=\"x\""], .anonymous) == nil)
    }

    @Test func prefersATokenToThePassword() async throws {
        let authenticator = RegistryAuthenticator(transport: FakeTokenServer())
        #expect(try await authenticator.answer(["Basic realm=\"x\", " + bearer], login) == "Bearer token-1")
    }

    @Test func knowsNoAnswerToOtherSchemes() async throws {
        let server = FakeTokenServer()
        let authenticator = RegistryAuthenticator(transport: server)
        #expect(try await authenticator.answer(["Negotiate"], login) == nil)
        #expect(try await authenticator.answer([], login) == nil)
        #expect(try await authenticator.answer(["Bearer realm=\"file:///x\""], login) == nil)
        #expect(server.requests.isEmpty)
    }

    @Test func passesARegistryTokenOnAsItIs() async throws {
        let server = FakeTokenServer()
        let authenticator = RegistryAuthenticator(transport: server)
        #expect(try await authenticator.first(.registryToken("x")) == "Bearer x")
        #expect(try await authenticator.answer([bearer], .registryToken("x"), rejected: "Bearer x") == nil)
        #expect(server.requests.isEmpty)
    }

    @Test func sendsNoPasswordOverPlainHTTPForAnHTTPSRegistry() async throws {
        let server = FakeTokenServer()
        let authenticator = RegistryAuthenticator(transport: server)
        let plain = ["Bearer realm=\"http://auth.example.com/token\""]
        #expect(await code { () async throws(TokenError) in try await authenticator.answer(plain, login) } == .insecure)
        #expect(server.requests.isEmpty)
        #expect(try await authenticator.answer(plain) == "Bearer token-1", "anonymously there is nothing to lose")
    }

    @Test(arguments: [
        (400, TokenError.Code.refused), (401, .refused), (403, .refused), (404, .refused), (429, .throttled),
        (500, .unreachable),
        (503, .unreachable), (200, .malformed), (302, .malformed), (0, .malformed),
    ])
    func tellsWhyThereIsNoToken(status: Int, expected: TokenError.Code) async throws {
        let server = FakeTokenServer { _, _ in TokenAnswer(status: status, retryAfter: .seconds(7), body: []) }
        let authenticator = RegistryAuthenticator(transport: server)
        #expect(await code { () async throws(TokenError) in try await authenticator.answer() } == expected)
        #expect(await code { () async throws(TokenError) in try await authenticator.answer() } == expected)
        #expect(server.requests.count == 2, "a failure is not kept")
    }

    @Test(
        "A token server that gives nobody a token is forgotten: the registry's next challenge counts",
        arguments: [404, 503, 0]
    )
    func forgetsAServerThatIsOfNoUse(status: Int) async throws {
        struct Away: Error {}
        let server = FakeTokenServer { request, count in
            guard request.url.hasPrefix("https://auth.example.com") else {
                return TokenAnswer(status: 200, body: Array(#"{"token":"new","expires_in":300}"#.utf8))
            }
            if count == 1 { return TokenAnswer(status: 200, body: Array(#"{"token":"old","expires_in":300}"#.utf8)) }
            if status == 0 { throw Away() }
            return TokenAnswer(status: status, body: [])
        }
        let time = ManualTime()
        let authenticator = RegistryAuthenticator(transport: server, now: time.now)
        #expect(try await authenticator.answer() == "Bearer old")
        time.advance(.seconds(3600))
        #expect(try await authenticator.first() == nil)
        #expect(try await authenticator.first() == nil)
        #expect(server.requests.count == 2, "it is asked once more in vain, and then no longer")
        // What it says to a challenge is heard, and what comes of that in vain is not kept.
        #expect(await code { () async throws(TokenError) in try await authenticator.answer() } != nil)
        #expect(try await authenticator.first() == nil)
        let moved = #"Bearer realm="https://new.example.com/token",service="reg""#
        #expect(try await authenticator.answer([moved]) == "Bearer new")
        #expect(try await authenticator.first() == "Bearer new")
    }

    @Test("One that refuses somebody, or is asked too often, is known still", arguments: [400, 401, 403, 429])
    func keepsAServerThatRefuses(status: Int) async throws {
        let server = FakeTokenServer { request, count in
            guard request.credentials.isEmpty else { return TokenAnswer(status: status, body: []) }
            return TokenAnswer(status: 200, body: Array(#"{"token":"token-\#(count)","expires_in":300}"#.utf8))
        }
        let authenticator = RegistryAuthenticator(transport: server)
        #expect(try await authenticator.answer() == "Bearer token-1")
        #expect(await code { () async throws(TokenError) in try await authenticator.first(login) } != nil)
        #expect(try await authenticator.first() == "Bearer token-1")
    }

    @Test func tellsThatTheServerIsAway() async throws {
        struct Away: Error {}
        let authenticator = RegistryAuthenticator(transport: FakeTokenServer { _, _ in throw Away() })
        #expect(
            await code { () async throws(TokenError) in try await authenticator.answer(rejected: nil) } == .unreachable
        )
    }

    @Test func fetchesOnceForManyWaiters() async throws {
        let (started, latch) = (Latch(), Latch())
        let server = FakeTokenServer { _, count in
            started.open()
            await latch.wait()
            return TokenAnswer(status: 200, body: Array(#"{"token":"token-\#(count)"}"#.utf8))
        }
        let authenticator = RegistryAuthenticator(transport: server)
        let answers = await withTaskGroup(of: String?.self) { group in
            for _ in 0..<200 {
                group.addTask { try? await authenticator.answer() }
            }
            await started.wait()
            latch.open()
            return await group.reduce(into: Set<String?>()) { $0.insert($1) }
        }
        #expect(answers == ["Bearer token-1"])
        #expect(server.requests.count == 1)
    }

    @Test func givesOneFailureToAllWhoWait() async throws {
        let (started, latch) = (Latch(), Latch())
        let server = FakeTokenServer { _, _ in
            started.open()
            await latch.wait()
            return TokenAnswer(status: 403, body: [])
        }
        let authenticator = RegistryAuthenticator(transport: server)
        let codes = await withTaskGroup(of: TokenError.Code?.self) { group in
            for _ in 0..<50 {
                group.addTask { await code { () async throws(TokenError) in try await authenticator.answer() } }
            }
            await started.wait()
            latch.open()
            return await group.reduce(into: Set<TokenError.Code?>()) { $0.insert($1) }
        }
        #expect(codes == [.refused])
    }

    /// The first of three is cancelled in the middle of its fetch: the others get their token all the same.
    @Test func survivesThatTheFirstOneGivesUp() async throws {
        let (started, latch) = (Latch(), Latch())
        let server = FakeTokenServer { _, count in
            if count == 1 {
                started.open()
                await latch.wait()
                try Task.checkCancellation()
            }
            return TokenAnswer(status: 200, body: Array(#"{"token":"token-\#(count)"}"#.utf8))
        }
        let authenticator = RegistryAuthenticator(transport: server)
        try await withThrowingTaskGroup(of: Void.self) { group in
            let leader = Latch()
            group.addTask {
                let result = await withTaskGroup(of: TokenError.Code?.self) { inner in
                    inner.addTask { await code { () async throws(TokenError) in try await authenticator.answer() } }
                    await leader.wait()
                    inner.cancelAll()
                    latch.open()
                    return await inner.next() ?? nil
                }
                #expect(result == .cancelled)
            }
            await started.wait()
            for _ in 0..<2 {
                group.addTask {
                    let token = try await authenticator.answer()
                    #expect(token == "Bearer token-2")
                }
            }
            leader.open()
            try await group.waitForAll()
        }
        #expect(server.requests.count == 2)
    }

    @Test func letsAWaiterGiveUpAtOnce() async throws {
        let (started, latch) = (Latch(), Latch())
        let server = FakeTokenServer { _, _ in
            started.open()
            await latch.wait()
            return TokenAnswer(status: 200, body: Array(#"{"token":"t"}"#.utf8))
        }
        let authenticator = RegistryAuthenticator(transport: server)
        try await withThrowingTaskGroup(of: String?.self) { group in
            group.addTask { try await authenticator.answer() }
            await started.wait()
            let codes = await withTaskGroup(of: TokenError.Code?.self) { inner in
                for _ in 0..<20 {
                    inner.addTask { await code { () async throws(TokenError) in try await authenticator.answer() } }
                }
                inner.cancelAll()
                return await inner.reduce(into: Set<TokenError.Code?>()) { $0.insert($1) }
            }
            #expect(codes == [.cancelled])
            latch.open()
            let token = try await group.next()
            #expect(token == "Bearer t")
        }
    }

    /// Many tasks that come, wait and give up at random: nobody hangs, and whoever stays gets a token.
    @Test func survivesContention() async throws {
        let server = FakeTokenServer { _, count in
            for _ in 0..<Int.random(in: 0..<5) { await Task.yield() }
            return TokenAnswer(status: 200, body: Array(#"{"token":"token-\#(count)","expires_in":1}"#.utf8))
        }
        let time = ManualTime()
        let authenticator = RegistryAuthenticator(transport: server, now: time.now)
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<2000 {
                group.addTask {
                    await withTaskGroup(of: Void.self) { inner in
                        let isCancelled = index.isMultiple(of: 3)
                        inner.addTask {
                            let failure = await code { () async throws(TokenError) in try await authenticator.answer() }
                            #expect(failure == nil || (isCancelled && failure == .cancelled))
                        }
                        for _ in 0..<Int.random(in: 0..<3) { await Task.yield() }
                        if isCancelled { inner.cancelAll() }
                        if index.isMultiple(of: 7) { time.advance(.seconds(1)) }
                    }
                }
            }
        }
    }
}
