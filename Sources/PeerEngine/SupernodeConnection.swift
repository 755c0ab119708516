import Content
import Logging
import PieceServer
import Synchronization
import WireAPI

/// A node's registration at one supernode and the exchange that it keeps open there for all its tasks.
final class SupernodeConnection: Sendable {
    let client: SupernodeClient
    /// When what was not wanted here is offered again.
    let offerPace = OfferPace()
    private let identity: NodeIdentity
    private let configuration: PeerEngineConfiguration
    private let token: String?
    private let logger: Logger
    private let registrations = SingleFlight<PeerRegistrationResponse>()
    private let state = Mutex(State())
    /// Something may have to be said.
    private let signals: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation

    private struct State {
        var registration: PeerRegistrationResponse?
        var participants: [TaskID: any ExchangeParticipant] = [:]
        var sequence: UInt64 = 0
        var open: Set<UInt64> = []
        /// When the latest call was made.
        var latestCall: ContinuousClock.Instant?
        /// How long the supernode takes to answer at once, as a moving average.
        var turnaround: Duration?
        var outage = SupernodeOutage()
        var avoidance: Avoidance?
        /// Whether it is being asked whether it is there again.
        var isProbed = false
    }

    /// Why others are asked first.
    private enum Avoidance {
        /// It failed at once, which costs nobody time: for how long.
        case until(ContinuousClock.Instant)
        /// It said nothing at all: until it answers, and no client waits for that.
        case untilItAnswers

        func isOver(at now: ContinuousClock.Instant) -> Bool {
            if case .until(let end) = self { end <= now } else { false }
        }
    }

    init(
        client: SupernodeClient,
        identity: NodeIdentity,
        configuration: PeerEngineConfiguration,
        token: String?,
        logger: Logger
    ) {
        self.client = client
        self.identity = identity
        self.configuration = configuration
        self.token = token
        self.logger = logger
        (signals, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    var address: SupernodeAddress { client.address }

    /// Whether it failed lately and is to be left alone for now.
    func isAvoided(at now: ContinuousClock.Instant) -> Bool {
        state.withLock { $0.avoidance.map { !$0.isOver(at: now) } ?? false }
    }

    /// Whether it was given up because it said nothing, and has not answered since: asking it costs time once more.
    var saysNothing: Bool {
        state.withLock { if case .untilItAnswers = $0.avoidance { true } else { false } }
    }

    /// How long before a piece's end to ask for the next one: its assignment is there just in time.
    var lead: Duration {
        let turnaround = state.withLock { $0.turnaround } ?? .milliseconds(10)
        return turnaround * 3 / 2 + .milliseconds(1)
    }

    /// Whether the last calls were not answered.
    var isSilent: Bool { state.withLock { $0.outage.isSilent } }

    /// It did not answer: others go first for a while.
    func avoid(isRefusal: Bool) {
        let now = ContinuousClock.now
        state.withLock { state in
            // Whoever hears that it was given up does not know why.
            if let known = state.avoidance, !known.isOver(at: now) { return }
            avoid(isRefusal: isRefusal, &state, now)
        }
        signal.yield()
    }

    private func avoid(isRefusal: Bool, _ state: inout State, _ now: ContinuousClock.Instant) {
        state.avoidance = isRefusal ? .until(now + configuration.retrySupernode) : .untilItAnswers
    }

    /// Joins a task, registering first where that has not been done or is no longer known.
    func join(
        _ request: TaskRegistrationRequest
    ) async throws(SupernodeError) -> (TaskRegistrationResponse, PeerRegistrationResponse) {
        try await registering { registration throws(SupernodeError) in
            try await self.client.join(request, as: registration)
        }
    }

    /// What a URL stands for at its origin now.
    func lookUp(_ request: HeadRequest) async throws(SupernodeError) -> HeadResponse {
        let (response, _) = try await registering { registration throws(SupernodeError) in
            try await self.client.lookUp(request, as: registration)
        }
        return response
    }

    /// Makes a call of a registered node.
    private func registering<Answer: Sendable>(
        _ call: @escaping @Sendable (PeerRegistrationResponse) async throws(SupernodeError) -> Answer
    ) async throws(SupernodeError) -> (Answer, PeerRegistrationResponse) {
        for attempt in 0..<2 {
            let registration = try await known()
            do throws(SupernodeError) {
                let response = try await watching { () async throws(SupernodeError) in try await call(registration) }
                state.withLock { $0.avoidance = nil }
                return (response, registration)
            } catch .refused(let error)
                where attempt == 0 && (error.code == .unknownPeer || error.code == .unauthenticated)
            {
                forget(registration)
            }
        }
        throw .refused(WireError(.unknownPeer, "\(address) forgets this node at once"))
    }

    /// Makes a call that may take as long as an origin does, but no longer than the supernode is alive.
    private func watching<Answer: Sendable>(
        _ call: @escaping @Sendable () async throws(SupernodeError) -> Answer
    ) async throws(SupernodeError) -> Answer {
        do {
            return try await withThrowingTaskGroup(of: Answer.self) { group in
                group.addTask { try await call() }
                group.addTask {
                    // One that is slow answers a small question all the same.
                    let patience = self.configuration.silence
                    var pause = patience / 4
                    repeat {
                        try await Task.sleep(for: pause)
                        pause = patience
                    } while await self.client.answers(within: patience * 3 / 4)
                    try Task.checkCancellation()
                    throw SupernodeError.unreachable("\(self.address) does not answer any more")
                }
                defer { group.cancelAll() }
                guard let answer = try await group.next() else { throw SupernodeError.cancelled }
                return answer
            }
        } catch let error as SupernodeError {
            throw error
        } catch {
            throw .cancelled
        }
    }

    /// Takes part in the exchange from now on.
    func attach(_ participant: any ExchangeParticipant) {
        state.withLock { $0.participants[participant.taskID] = participant }
        signal.yield()
    }

    func detach(_ participant: any ExchangeParticipant) {
        state.withLock { state in
            if state.participants[participant.taskID] === participant { state.participants[participant.taskID] = nil }
        }
    }

    /// A participant has news.
    func tell() { signal.yield() }

    /// Keeps one call open as long as there is a task, and sends another whenever there is news, until cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            for await _ in signals {
                if beginsProbing() { group.addTask { await self.probe() } }
                while let (request, registration) = nextCall() {
                    group.addTask { await self.perform(request, registration) }
                }
            }
            group.cancelAll()
        }
    }

    /// Tells the supernode that this node goes away.
    func leave() async {
        guard let registration = state.withLock({ $0.registration }) else { return }
        try? await client.leave(registration)
    }

    private func known() async throws(SupernodeError) -> PeerRegistrationResponse {
        if let registration = state.withLock({ $0.registration }) { return registration }
        return try await watching { () async throws(SupernodeError) in try await self.registered() }
    }

    private func registered() async throws(SupernodeError) -> PeerRegistrationResponse {
        if let registration = state.withLock({ $0.registration }) { return registration }
        do {
            return try await registrations.run {
                if let registration = self.state.withLock({ $0.registration }) { return registration }
                let request = PeerRegistrationRequest(
                    port: try await self.identity.boundPort(),
                    address: self.identity.address,
                    name: self.identity.name,
                    labels: self.configuration.labels,
                    uploadSlots: self.configuration.uploadSlots,
                    tls: self.identity.speaksTLS
                )
                let registration = try await self.client.register(
                    request,
                    token: self.token,
                    timeout: self.configuration.failover * 2
                )
                self.adopt(registration)
                return registration
            }
        } catch SupernodeError.refused(let error) {
            // What is wrong is between this node and that supernode.
            throw .refused(WireError(error.code, "\(address): \(error.message)", detail: error.detail))
        } catch let error as SupernodeError {
            throw error
        } catch {
            throw .cancelled
        }
    }

    /// Goes on with a registration, its own or one that another process of this node handed over.
    func adopt(_ registration: PeerRegistrationResponse, sequence: UInt64 = 0) {
        guard let key = PeerKey(hex: registration.key) else { return }
        identity.add(key, of: registration.peer)
        state.withLock { state in
            state.registration = registration
            state.sequence = max(state.sequence, sequence)
            state.outage.answered()
        }
    }

    /// The registration and the last call's number, for another process of this node to go on with.
    var handover: (registration: PeerRegistrationResponse, sequence: UInt64)? {
        state.withLock { state in state.registration.map { ($0, state.sequence) } }
    }

    private func forget(_ registration: PeerRegistrationResponse) {
        let participants = state.withLock { state -> [any ExchangeParticipant] in
            guard state.registration?.peer == registration.peer else { return [] }
            state.registration = nil
            return Array(state.participants.values)
        }
        identity.remove(registration.peer)
        for participant in participants { participant.lostRegistration() }
    }
}

// MARK: - Calls

extension SupernodeConnection {
    /// How long a call of a node that only offers stays open, in milliseconds.
    private static let wait = 20_000
    /// The same while something is being downloaded: what does not answer is given up soon.
    private static let shortWait = 1000

    /// The call to make now, if one is due: one is always open, and one more supersedes it when there is news.
    private func nextCall() -> (ExchangeRequest, PeerRegistrationResponse)? {
        state.withLock { state in
            guard let registration = state.registration, !state.participants.isEmpty, state.open.count < 2 else {
                return nil
            }
            guard state.open.isEmpty || state.participants.values.contains(where: \.hasNews) else { return nil }
            state.sequence += 1
            let reports = state.participants.values.compactMap { $0.report(for: state.sequence) }
            let request = ExchangeRequest(
                sequence: state.sequence,
                open: Array(state.open),
                waitMilliseconds: reports.contains { $0.window > 0 } ? Self.shortWait : Self.wait,
                tasks: reports
            )
            state.open.insert(state.sequence)
            state.latestCall = .now
            return (request, registration)
        }
    }

    private func perform(_ request: ExchangeRequest, _ registration: PeerRegistrationResponse) async {
        let participants = state.withLock { Array($0.participants.values) }
        do throws(SupernodeError) {
            let isDownloading = request.waitMilliseconds < Self.wait
            let response = try await client.exchange(
                request,
                as: registration,
                grace: isDownloading ? configuration.failover : .seconds(10)
            )
            settle(request, participants, arrived: true)
            for update in response.tasks {
                participants.first { $0.taskID == update.task }?.receive(update, from: registration)
            }
            signal.yield()
        } catch {
            settle(request, participants, arrived: false)
            await recover(from: error, registration)
        }
    }

    private func settle(_ request: ExchangeRequest, _ participants: [any ExchangeParticipant], arrived: Bool) {
        state.withLock { state in
            state.open.remove(request.sequence)
            if arrived {
                state.outage.answered()
                if case .untilItAnswers = state.avoidance { state.avoidance = nil }
                Self.measure(request, &state)
            }
        }
        for participant in participants { participant.settle(request.sequence, arrived: arrived) }
    }

    /// A call that a newer one supersedes is answered at once.
    private static func measure(_ request: ExchangeRequest, _ state: inout State) {
        guard state.sequence == request.sequence + 1, let start = state.latestCall else { return }
        let sample = start.duration(to: .now)
        state.turnaround = state.turnaround.map { ($0 * 3 + sample) / 4 } ?? sample
    }

    private func recover(from error: SupernodeError, _ registration: PeerRegistrationResponse) async {
        switch error {
        case .cancelled: return
        case .refused(let error) where error.code == .unknownPeer || error.code == .unauthenticated:
            forget(registration)
        case .refused(let error):
            // It answers, but nothing comes of it: after some time others are tried.
            logger.warning("exchange refused", metadata: ["supernode": "\(address)", "error": "\(error.message)"])
            await backOff(error.message, isRefusal: false)
        case .unreachable(let message, let isRefusal):
            // One that is only slow with this call answers a small question.
            let isGone = isRefusal ? false : await !client.answers(within: configuration.silence)
            await backOff(message, isRefusal: isRefusal, isGone: isGone)
        }
        signal.yield()
    }

    private func backOff(_ message: String, isRefusal: Bool, isGone: Bool = false) async {
        let now = ContinuousClock.now
        let (delay, lost) = state.withLock { state -> (Duration, [any ExchangeParticipant]) in
            let givesUp = state.outage.failed(isRefusal: isRefusal, failover: configuration.failover, at: now)
            let delay = state.outage.delay(isRefusal: isRefusal, chance: .random(in: 0...1))
            guard givesUp || isGone else { return (delay, []) }
            avoid(isRefusal: isRefusal, &state, now)
            return (delay, Array(state.participants.values))
        }
        logger.info("supernode does not answer", metadata: ["supernode": "\(address)", "error": "\(message)"])
        for participant in lost { participant.lostSupernode(address) }
        try? await Task.sleep(for: delay)
    }
}

// MARK: - Coming back

extension SupernodeConnection {
    private func beginsProbing() -> Bool {
        state.withLock { state in
            guard case .untilItAnswers = state.avoidance, !state.isProbed else { return false }
            state.isProbed = true
            return true
        }
    }

    /// Asks a supernode that said nothing whether it is there again, so that no client has to find out.
    private func probe() async {
        while true {
            do { try await Task.sleep(for: max(configuration.retrySupernode, .milliseconds(100))) } catch { return }
            let answers = await client.answers(within: configuration.silence)
            if Task.isCancelled { return }
            let isOver = state.withLock { state in
                if case .untilItAnswers = state.avoidance {
                    guard answers else { return false }
                    state.avoidance = nil
                }
                state.isProbed = false
                return true
            }
            if isOver { return logger.info("supernode is back", metadata: ["supernode": "\(address)"]) }
        }
    }
}
