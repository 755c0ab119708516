public import Content

/// Where a response goes.
///
/// All calls come on the transport's thread, one at a time, and none after `perform` has returned. They must not block:
/// a sink that can take no more says ``SinkResult/paused``. A sink may start other transfers and call
/// ``TransferControl/resume()`` from within its calls.
public protocol TransferSink: AnyObject, Sendable {
    /// Once, before any body byte, for the final response (after redirects and 1xx), whatever its status.
    ///
    /// Throwing ends the transfer: ``TransferError/Code/refusedBySink`` with that error as its cause.
    func receive(head: TransferHead) throws
    /// The next bytes of the body as they were sent; the buffer is valid during the call only.
    ///
    /// After ``SinkResult/paused`` the same bytes come again, once `control.resume()` was called.
    func receive(_ bytes: UnsafeRawBufferPointer, control: TransferControl) throws -> SinkResult
}

/// Lets a paused transfer go on.
public struct TransferControl: Sendable {
    let transfer: Transfer

    /// Lets the sink and the body source be called again; from any thread, at any time, any number of times.
    ///
    /// Does nothing to a transfer that is not paused or has ended.
    public func resume() { transfer.queue.push(.resume(transfer)) }
}
