internal import CLibCurl
internal import Content
internal import Glibc
internal import Logging

/// The thread of a transport: takes commands, drives libcurl, ends transfers.
///
/// Nothing here is shared: the object is made, used and dropped by its thread.
final class TransferLoop {
    private let queue: CommandQueue
    private let logger: Logger
    private let multi: UnsafeMutableRawPointer
    private let watch: SocketWatch
    private var ready: [SocketWatch.Ready] = []
    /// When libcurl wants to be called even if no socket is ready; nil: not at all.
    private var timeout: ContinuousClock.Instant?
    private var active: [ObjectIdentifier: Transfer] = [:]
    private var commands: [Command] = []
    private var authorities = AuthorityCache()

    private static let initialized: Bool = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK
    private static let longestWait: Int64 = 60_000

    /// Starts a thread that runs until the queue is closed.
    static func start(queue: CommandQueue, configuration: TransportConfiguration, logger: Logger) {
        let context = Unmanaged.passRetained(Start(queue: queue, configuration: configuration, logger: logger))
        var thread = pthread_t()
        let result = pthread_create(&thread, nil, { TransferLoop.main($0) }, context.toOpaque())
        guard result == 0 else {
            context.release()
            logger.critical("no thread for transfers can be started", metadata: ["errno": "\(result)"])
            return queue.finish()
        }
        pthread_detach(thread)
    }

    private final class Start: Sendable {
        let queue: CommandQueue
        let configuration: TransportConfiguration
        let logger: Logger

        init(queue: CommandQueue, configuration: TransportConfiguration, logger: Logger) {
            self.queue = queue
            self.configuration = configuration
            self.logger = logger
        }
    }

    private static func main(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        guard let context else { return nil }
        let start = Unmanaged<Start>.fromOpaque(context).takeRetainedValue()
        // With CURLOPT_NOSIGNAL libcurl leaves SIGPIPE to us, and a TLS connection that breaks raises it.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        if let watch = SocketWatch() {
            if initialized, let multi = curl_multi_init() {
                TransferLoop(multi, watch, start).run()
            } else {
                start.logger.critical("libcurl can not be initialised")
                refuse(start.queue)
            }
        } else {
            start.logger.critical("no sockets can be watched", metadata: ["errno": "\(errno)"])
            refuse(start.queue)
        }
        start.queue.finish()
        return nil
    }

    /// Ends what was started before it turned out that nothing can be.
    private static func refuse(_ queue: CommandQueue) {
        queue.close(then: nil)
        var commands: [Command] = []
        _ = queue.drain(into: &commands)
        for case .start(let transfer) in commands { transfer.end(.failure(shutDown)) }
    }

    private init(_ multi: UnsafeMutableRawPointer, _ watch: SocketWatch, _ start: Start) {
        self.multi = multi
        self.watch = watch
        queue = start.queue
        logger = start.logger
        CLibCurl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, start.configuration.maximumIdleConnections)
        queue.attach(watch)
    }

    private func run() {
        setCallbacks()
        while obey() {
            if endFinished() { continue }
            watch.wait(milliseconds: Int32(wait()), into: &ready)
            var running: Int32 = 0
            if let due = timeout, due <= .now {
                timeout = nil
                curl_multi_socket_action(multi, CURL_SOCKET_BAD, 0, &running)
            }
            for event in ready { curl_multi_socket_action(multi, event.socket, event.mask, &running) }
        }
        // Commands that came in with the closing: their transfers must hear of it too.
        for case .start(let transfer) in commands { transfer.end(.failure(Self.shutDown)) }
        for transfer in active.values { end(transfer, .failure(Self.shutDown)) }
        curl_multi_cleanup(multi)
    }

    /// libcurl says which sockets it waits for and for how long; it is called where one is ready, not for all that there are.
    private func setCallbacks() {
        let context = Unmanaged.passUnretained(self).toOpaque()
        CLibCurl_multi_set_pointer(multi, CURLMOPT_SOCKETDATA, context)
        CLibCurl_multi_set_pointer(multi, CURLMOPT_TIMERDATA, context)
        CLibCurl_multi_set_socket(multi) { _, socket, interest, context, _ in
            guard let context else { return -1 }
            let loop = Unmanaged<TransferLoop>.fromOpaque(context).takeUnretainedValue()
            if !loop.watch.watch(socket, for: interest) {
                // libcurl would give up all transfers at once; like this it is one, by its own time limits.
                loop.logger.error("a socket can not be watched", metadata: ["errno": "\(errno)"])
            }
            return 0
        }
        CLibCurl_multi_set_timer(multi) { _, milliseconds, context in
            guard let context else { return -1 }
            let loop = Unmanaged<TransferLoop>.fromOpaque(context).takeUnretainedValue()
            loop.timeout = milliseconds < 0 ? nil : .now + .milliseconds(milliseconds)
            return 0
        }
    }

    /// Does what was asked for since the last time; false when it is time to go.
    private func obey() -> Bool {
        guard queue.drain(into: &commands) else { return false }
        for command in commands {
            switch command {
            case .start(let transfer): begin(transfer)
            case .cancel(let transfer):
                if active[ObjectIdentifier(transfer)] != nil { end(transfer, .failure(Self.cancelled)) }
            case .resume(let transfer):
                if active[ObjectIdentifier(transfer)] != nil { settle(transfer, transfer.resume()) }
            }
        }
        commands.removeAll(keepingCapacity: true)
        return true
    }

    private func begin(_ transfer: Transfer) {
        guard !transfer.isCancelled else { return transfer.end(.failure(Self.cancelled)) }
        active[ObjectIdentifier(transfer)] = transfer
        startHop(of: transfer)
    }

    /// Makes the handle for the transfer's current hop and lets libcurl begin.
    private func startHop(of transfer: Transfer) {
        do throws(TransferError) {
            let handle = try transfer.prepare(&authorities)
            let result = curl_multi_add_handle(multi, handle.raw)
            guard result == CURLM_OK else {
                throw TransferError(.io, String(cString: curl_multi_strerror(result)))
            }
        } catch {
            end(transfer, .failure(error))
        }
    }

    /// Ends or redirects what libcurl has finished; true if there was something.
    private func endFinished() -> Bool {
        var found = false
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else { continue }
            // Read before the handle goes: the message lives in it.
            let result = message.pointee.data.result
            guard let transfer = Transfer.of(easy) else { continue }
            found = true
            settle(transfer, transfer.finished(result))
        }
        return found
    }

    private func settle(_ transfer: Transfer, _ outcome: Transfer.Outcome) {
        switch outcome {
        case .goesOn: break
        case .ended(let result): end(transfer, result)
        case .nextHop:
            remove(transfer)
            startHop(of: transfer)
        }
    }

    private func end(_ transfer: Transfer, _ result: Result<TransferSummary, TransferError>) {
        active[ObjectIdentifier(transfer)] = nil
        remove(transfer)
        if case .failure(let error) = result {
            logger.debug(
                "transfer failed",
                metadata: ["origin": "\(transfer.hop.url.origin)", "code": "\(error.code)"]
            )
        }
        transfer.end(result)
    }

    private func remove(_ transfer: Transfer) {
        guard let handle = transfer.handle else { return }
        curl_multi_remove_handle(multi, handle.raw)
        transfer.handle = nil
    }

    /// Lets those go on whose limits allow it by now, and says in milliseconds when to ask the next one's or to call libcurl.
    private func wait() -> Int64 {
        var next = timeout
        let now = ContinuousClock.now
        for transfer in active.values {
            guard let asked = transfer.limitedUntil else { continue }
            if asked <= now, transfer.passesLimits(now: now) {
                settle(transfer, transfer.limitPassed())
                // Its callbacks may have run, and it may be waiting again: look at everything anew.
                next = now
            } else if let deadline = transfer.limitedUntil {
                next = min(next ?? deadline, deadline)
            }
        }
        guard let next else { return Self.longestWait }
        return min(Self.longestWait, max(0, Int64((next - now).seconds * 1000) + (next > now ? 1 : 0)))
    }

    private static let cancelled = TransferError(.cancelled, "the transfer was cancelled")
    private static let shutDown = TransferError(.cancelled, "the transport was shut down")
}
