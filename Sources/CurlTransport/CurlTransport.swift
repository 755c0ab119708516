internal import CLibCurl
public import Logging

/// Every outbound byte of the process: libcurl's multi interface on a thread of its own.
///
/// Connections are kept and reused by all transfers of one transport. Nobody waits on that thread, a paused transfer
/// neither; the exception is `file`, which libcurl reads to its end in one go: give such transfers a transport of their
/// own.
public final class CurlTransport: Sendable {
    private let queue: CommandQueue
    private let configuration: TransportConfiguration

    /// Starts the thread.
    public init(_ configuration: TransportConfiguration = TransportConfiguration(), logger: Logger) {
        self.configuration = configuration
        queue = CommandQueue()
        TransferLoop.start(queue: queue, configuration: configuration, logger: logger)
    }

    deinit { queue.close(then: nil) }

    /// Runs one transfer and returns when it is over.
    ///
    /// Any HTTP status is a response like another. Cancelling the task ends the transfer at once with
    /// ``TransferError/Code/cancelled``; the sink is not called any more when this has returned or thrown.
    public func perform(
        _ request: TransferRequest,
        into sink: any TransferSink
    ) async throws(TransferError) -> TransferSummary {
        try await run(request, into: sink).summary
    }

    /// Runs a transfer to its end.
    func run(
        _ request: TransferRequest,
        into sink: any TransferSink
    ) async throws(TransferError) -> (summary: TransferSummary, connected: ConnectedSocket?) {
        let transfer = try Transfer(request, sink: sink, queue: queue, configuration: configuration)
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                transfer.begin(continuation)
                if !queue.push(.start(transfer)) { transfer.end(.failure(Self.isShutDown)) }
            }
        } onCancel: {
            transfer.cancel()
        }
        return (try result.get(), transfer.connected)
    }

    /// Makes a small call: the whole body in memory.
    ///
    /// Any HTTP status is returned, not thrown. A body of more than `limit` bytes is ``TransferError/Code/tooLarge``.
    public func send(_ request: TransferRequest, limit: Int) async throws(TransferError) -> BufferedResponse {
        let sink = BufferingSink(limit: limit, isHead: request.method == "HEAD")
        let summary = try await perform(request, into: sink)
        return BufferedResponse(head: summary.head, body: sink.take())
    }

    /// Ends the running transfers as ``TransferError/Code/cancelled`` and waits for the thread's end.
    ///
    /// A transport that nobody holds any more does the same by itself, without anybody waiting. Must not be awaited
    /// from a sink.
    public func shutdown() async {
        await withCheckedContinuation { queue.close(then: $0) }
    }

    private static let isShutDown = TransferError(.cancelled, "the transport is shut down")
}
