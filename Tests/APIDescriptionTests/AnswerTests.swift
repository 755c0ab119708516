import Testing

/// Real answers of real servers are as described: status, fields, and bodies without anything that is not described.
@Suite(.timeLimit(.minutes(1))) struct AnswerTests {
    /// What no call of this test brings about: a supernode of another version, and a caller from another machine.
    private static let unseen: Set<String> = [
        "POST /api/v1/downloads 426", "PUT /api/v1/peers/{peer}/block 403", "DELETE /api/v1/peers/{peer}/block 403",
    ]

    @Test("Every operation answers as described, and with every status that a client brings about")
    func answers() async throws {
        try await withDescribedServers { servers in
            try await servers.checkControl()
            try await servers.checkPeers()
            try await servers.checkTasks()
            try await servers.checkPieces()
            try await servers.checkBlocks()
            try await servers.checkObjects()
            try await servers.checkReviews()
            try await servers.checkOperations()
            let described = servers.description.operations.flatMap { operation in
                (operation.node["responses"]?.members.keys ?? [:].keys)
                    // What is wrong with a server or an origin can not all be brought about.
                    .filter { !$0.hasPrefix("5") }
                    .map { "\(operation.name) \($0)" }
            }
            #expect(Set(described).subtracting(servers.answered.all) == Self.unseen)
        }
    }
}
