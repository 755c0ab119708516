import NIOCore

/// Cuts a tunnel off that nothing goes through; on its event loop.
final class IdleWatch {
    private let ends: [TunnelHandler]
    private let time: TimeAmount
    private let loop: any EventLoop
    private var timer: Scheduled<Void>?
    private var isOver = false

    init(_ one: TunnelHandler, _ other: TunnelHandler, after time: TimeAmount, on loop: any EventLoop) {
        ends = [one, other]
        self.time = time
        self.loop = loop
    }

    func start() {
        guard !isOver else { return }
        let last = ends.map(\.lastRead).max() ?? loop.now
        guard last + time > loop.now else {
            for end in ends { end.reset() }
            return
        }
        timer = loop.assumeIsolated().scheduleTask(in: last + time - loop.now) { self.start() }
    }

    func stop() {
        isOver = true
        timer?.cancel()
    }
}
