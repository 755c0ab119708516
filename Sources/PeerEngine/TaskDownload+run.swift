import BackendAPI
import CacheStore
import Content
import Logging
import NodeConfig
import OriginFetch
import Synchronization
import WireAPI

/// What a download needs of its node.
struct DownloadEnvironment: Sendable {
    /// The supernodes in the order in which the task tries them.
    let connections: [SupernodeConnection]
    let fetcher: PieceFetcher
    let origin: OriginFetcher
    let backends: BackendRegistry
    let inquiries: OriginInquiries
}

extension TaskDownload {
    /// Brings the content, by whatever way is left, and ends the download.
    func run(_ environment: DownloadEnvironment) async {
        do throws(DownloadError) {
            if request.pattern != .source { try await downloadThroughSupernodes(environment) }
            if !isDone { try await downloadFromOrigin(environment) }
        } catch {
            finish(.failure(error))
        }
        if hasSucceeded { await keepOffering() }
    }

    /// Tries the supernodes, and once it has begun again and again, where there is no other way.
    ///
    /// Returns without an end where every one is out of reach and the origin may be asked.
    private func downloadThroughSupernodes(_ environment: DownloadEnvironment) async throws(DownloadError) {
        if !environment.connections.isEmpty { try await makeDigests() }
        var bytes: Int64 = -1
        var deadline = ContinuousClock.now
        while true {
            do throws(DownloadError) {
                return try await tryEverySupernode(environment)
            } catch {
                guard error.mayPass, let file else { throw error }
                if file.bytesCommitted > bytes { deadline = .now + configuration.patience }
                bytes = file.bytesCommitted
                guard .now < deadline else { throw error }
            }
            do { try await Task.sleep(for: .seconds(1)) } catch { throw DownloadError(.cancelled, "cancelled") }
            if giveUp() { throw DownloadError(.cancelled, "nobody wants it any longer") }
        }
    }

    /// What was fetched while this node had no supernode counts by its digests from now on.
    private func makeDigests() async throws(DownloadError) {
        do throws(StoreError) {
            for held in [destination.earlier(), destination.complete()] { try await held?.file.makeDigests() }
        } catch {
            throw DownloadError(error)
        }
    }

    private var mayGoToOrigin: Bool {
        configuration.backToSource && !request.notBackToSource && request.resource != nil
    }

    /// Tries the supernodes one after the other; one that was silent a moment ago only where nothing else is left.
    private func tryEverySupernode(_ environment: DownloadEnvironment) async throws(DownloadError) {
        let now = ContinuousClock.now
        let preferred = environment.connections.filter { !$0.isAvoided(at: now) }
        let avoided = environment.connections.filter { $0.isAvoided(at: now) }
        var failures = SupernodeFailures()
        for connection in preferred + avoided {
            if mayGoToOrigin, connection.saysNothing {
                failures.add(DownloadError(.supernodeUnreachable, "\(connection.address) did not answer a moment ago"))
                continue
            }
            do throws(SupernodeError) {
                if try await download(through: connection, environment) { return }
            } catch {
                switch error {
                case .cancelled: throw DownloadError(.cancelled, "cancelled")
                case .unreachable(let message, let isRefusal):
                    logger.notice("supernode does not answer", metadata: ["error": "\(message)"])
                    connection.avoid(isRefusal: isRefusal)
                    failures.add(DownloadError(.supernodeUnreachable, message))
                case .refused(let error):
                    guard error.leavesOtherSupernodes else { throw error }
                    logger.notice("supernode refused", metadata: ["error": "\(error.message)"])
                    failures.add(error)
                }
            }
            if isDone { return }
        }
        await fetchFromKnownParents(environment)
        if isDone { return }
        guard mayGoToOrigin else {
            guard environment.connections.isEmpty, request.resource != nil else { throw failures.error }
            return
        }
        guard !environment.connections.isEmpty else { return }
        let delay = configuration.backToSourceDelay * Double.random(in: 0...1)
        // Nobody would notice otherwise that the supernodes are of no use to this node.
        logger.log(
            level: failures.isMisconfigured ? .error : .notice,
            "going to the origin",
            metadata: ["task": "\(taskID)", "delay": "\(delay)", "reason": "\(failures.error.message)"]
        )
        do { try await Task.sleep(for: delay) } catch { throw DownloadError(.cancelled, "cancelled") }
    }

    /// Downloads as one supernode directs.
    ///
    /// Returns whether the download has ended.
    private func download(
        through connection: SupernodeConnection,
        _ environment: DownloadEnvironment
    ) async throws(SupernodeError) -> Bool {
        if !request.credentials.isEmpty, !mayCarryCredentials(connection) {
            throw .refused(.tooPlain(connection.address))
        }
        for _ in 0..<10 {
            let (response, supernode) = try await connection.join(joinRequest(connection))
            do throws(StoreError) {
                prepareOpening(response, of: supernode, connection, environment.fetcher)
                try prepare(response, connection)
                // The supernode has asked the origin, or has not needed to for so long.
                learnPermission(environment.inquiries, heard: configuration.permissionTime)
            } catch {
                finish(.failure(DownloadError(error)))
                return true
            }
            connection.attach(self)
            switch await transfer(with: environment.fetcher) {
            case .whole:
                await complete(verified: true)
                return true
            case .abandoned:
                connection.detach(self)
                finish(.failure(DownloadError(.cancelled, "nobody wants it any longer")))
                return true
            case .failed(let error):
                connection.detach(self)
                throw .refused(error)
            case .unwritable(let error):
                connection.detach(self)
                finish(.failure(DownloadError(error)))
                return true
            case .lost:
                connection.detach(self)
                throw .unreachable("\(connection.address) does not answer any more")
            case .rejoin:
                connection.detach(self)
            }
        }
        throw .refused(WireError(.internalError, "the content keeps changing"))
    }

    private func mayCarryCredentials(_ connection: SupernodeConnection) -> Bool {
        configuration.mayCarryCredentials(to: connection.address)
    }

    func joinRequest(_ connection: SupernodeConnection, offersOnly: Bool = false) -> TaskRegistrationRequest {
        TaskRegistrationRequest(
            url: request.resource?.url,
            digest: request.digest,
            tag: request.resource?.tag,
            ignoredQuery: request.resource?.ignoredQuery ?? [],
            headers: request.resource?.headers ?? [:],
            credentials: mayCarryCredentials(connection) ? request.credentials.headers : [:],
            pattern: request.pattern == .cdn ? .cdn : .p2p,
            offersOnly: offersOnly ? true : nil,
            asSharedCache: request.resource?.asSharedCache == true ? true : nil,
            freshness: request.freshness
        )
    }

    /// Makes room for the generation that the supernode names, and finds out what is there of it already.
    private func prepare(_ response: TaskRegistrationResponse, _ connection: SupernodeConnection) throws(StoreError) {
        guard let layout = PieceLayout(length: response.length, pieceSize: response.pieceSize) else {
            throw StoreError(.failed, "\(connection.address) named an impossible piece size")
        }
        let now = UnixTime.now()
        let record = OriginRecord(
            url: request.resource?.url,
            digest: response.digest ?? request.digest,
            validators: Validators(entityTag: response.entityTag, lastModified: response.lastModified),
            freshUntil: response.freshFor.map { now + $0 },
            generatedAt: response.age.map { now - $0 },
            headers: response.headers,
            openAccess: request.credentials.isEmpty
        )
        let file: PieceFile
        if let current = self.file, generation == response.generation {
            file = current
        } else {
            file = try destination.open(record, generation: response.generation, layout: layout)
        }
        if let length = response.length { try file.learn(length: length) }
        // Another supernode, or this one after another source, may know the content by other digests.
        file.doubt()
        begin(file, record, generation: response.generation)
        state.withLock { state in
            state.connection = connection
            state.digests = [:]
            state.news = News()
            state.sent = [:]
            Self.learn(response.manifest, &state)
            state.news = News()
            state.announcesAll = true
        }
    }

    /// Every piece is there: makes the content official.
    private func complete(verified: Bool) async {
        let (file, record) = state.withLock { ($0.file, $0.record) }
        guard let file else { return }
        // Whatever did not come just now was here before.
        state.withLock { state in
            let received = state.bytes.origin + state.bytes.supernode + state.bytes.peers
            state.bytes.cache = max(0, file.bytesCommitted - received)
        }
        let expected = [request.digest, record?.digest].compactMap { $0 }
        // What a supernode says of pieces says nothing of content that has none.
        let isVerified = verified && file.layout.length != 0
        do throws(StoreError) {
            try await destination.finish(file, expected: expected, verified: isVerified)
            finish(.success(state.withLock { $0.bytes }))
        } catch {
            finish(.failure(DownloadError(error)))
        }
    }
}

// MARK: - Without a supernode

extension TaskDownload {
    /// Goes on with the parents that are known: they answer what they hold, and the supernode's digests say whether it is right.
    private func fetchFromKnownParents(_ environment: DownloadEnvironment) async {
        let (file, generation, parents, digests) = state.withLock { state in
            (state.file, state.generation, Array(state.parents.values), state.digests)
        }
        guard let file, let generation, !parents.isEmpty else { return }
        for parent in parents.shuffled() {
            let wanted = demand.pieces(of: file.layout)
            let missing = digests.keys.filter { !file.committed.contains($0) && wanted?.contains($0) ?? true }
            guard !missing.isEmpty else { break }
            guard let held = await environment.fetcher.holdings(of: taskID, generation, at: parent) else { continue }
            for piece in missing.sorted() where held.contains(piece) {
                guard let digest = digests[piece] else { continue }
                do throws(PieceFetcher.Failure) {
                    try await environment.fetcher.fetch(
                        piece,
                        of: taskID,
                        generation,
                        digest: digest,
                        from: parent,
                        into: file,
                        limit: limit
                    )
                } catch {
                    break
                }
                fetched(piece, of: file, from: parent)
            }
        }
        if isWhole { await complete(verified: true) }
    }

    private func downloadFromOrigin(_ environment: DownloadEnvironment) async throws(DownloadError) {
        guard let resource = request.resource else {
            throw DownloadError(.originNotFound, "no supernode holds it, and there is no URL to fetch it from")
        }
        let backend: any Backend
        do throws(BackendError) {
            backend = try environment.backends.backend(for: resource.url)
        } catch {
            throw DownloadError(error)
        }
        guard environment.connections.isEmpty || !backend.capabilities.contains(.nodeLocal) else {
            throw DownloadError(
                .supernodeUnreachable,
                "no supernode answers, and a file: URL names the supernode's files, not this node's"
            )
        }
        state.withLock { $0.connection = nil }
        let fetch = Cancellation()
        let watch = Cancellation()
        let outcome = await withTaskGroup(of: Result<OriginFetcher.Outcome, DownloadError>?.self) { group in
            group.addTask {
                await fetch.run { await self.fetchFromOrigin(resource, backend, environment) }
            }
            group.addTask {
                _ = await watch.run { await self.waitUntilAbandoned() }
                if !watch.isCancelled { fetch.cancel() }
                return nil
            }
            var result: Result<OriginFetcher.Outcome, DownloadError>?
            for await value in group where value != nil {
                result = value
                watch.cancel()
            }
            return result
        }
        switch outcome {
        case nil: throw DownloadError(.cancelled, "nobody wants it any longer")
        case .failure(let error)?: throw error
        case .success(.fetched)?: await complete(verified: false)
        case .success(.notModified(let record))?: await useUnchanged(record)
        }
    }

    private func waitUntilAbandoned() async {
        for await event in events {
            if case .abandoned = event, giveUp() { return }
        }
    }

    private func fetchFromOrigin(
        _ resource: Resource,
        _ backend: any Backend,
        _ environment: DownloadEnvironment
    ) async -> Result<OriginFetcher.Outcome, DownloadError> {
        do throws(FetchError) {
            // The origin is asked for the same version, and the whole is checked where its digest is known.
            destination.earlier()?.file.trust()
            defer { state.withLock { $0.originStart = nil } }
            let outcome = try await environment.origin.fetch(
                resource,
                credentials: request.credentials,
                from: backend,
                to: destination,
                revalidating: destination.complete()?.record,
                limit: limit,
                demand: demand
            ) { file, record in
                self.state.withLock { $0.originStart = file.bytesCommitted }
                // The file's own: one that stands for no validator is made by chance and can not be made again.
                self.begin(file, record, generation: file.generation)
                self.learnPermission(environment.inquiries)
            }
            if case .fetched(let file) = outcome {
                let resumed = state.withLock { $0.originStart.take() } ?? 0
                count(max(0, file.bytesCommitted - resumed), from: \.origin)
                state.withLock { $0.bytes.cache = max(0, resumed - $0.bytes.supernode - $0.bytes.peers) }
            }
            return .success(outcome)
        } catch {
            return .failure(DownloadError(error))
        }
    }

    private func useUnchanged(_ record: OriginRecord) async {
        guard let (file, _) = destination.complete() else { return }
        destination.confirm(record)
        begin(file, record, generation: file.generation)
        count(file.bytesCommitted, from: \.cache)
        finish(.success(state.withLock { $0.bytes }))
    }
}
