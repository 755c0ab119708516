import NIOCore

/// A client's connection and another one, and what flows between them.
struct Tunnel: Sendable {
    let takeover: Takeover
    let upstream: UpstreamConnection
    let idleTimeout: TimeAmount

    /// Passes bytes on until both connections are gone.
    func run(answering answer: [UInt8]) async throws -> TunnelReport {
        let channel = takeover.channel
        let ended = channel.eventLoop.makePromise(of: TunnelReport.self)
        channel.eventLoop.flatSubmit {
            takeover.tunnel()
        }.whenComplete { result in
            switch result {
            case .success(let client): begin(client.value, answer, ended)
            case .failure(let error): ended.fail(error)
            }
        }
        return try await withTaskCancellationHandler {
            try await ended.futureResult.get()
        } onCancel: {
            channel.close(promise: nil)
        }
    }

    /// On the event loop of both.
    private func begin(
        _ client: TunnelHandler,
        _ answer: [UInt8],
        _ ended: EventLoopPromise<TunnelReport>
    ) {
        let origin = upstream.handler.value
        client.send(answer)
        let watch = IdleWatch(client, origin, after: idleTimeout, on: takeover.channel.eventLoop)
        client.join(origin) {
            watch.stop()
            ended.succeed(TunnelReport(received: origin.bytesRead, sent: client.bytesRead))
        }
        watch.start()
    }
}
