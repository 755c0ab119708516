public import Content

/// Where a backend puts content.
///
/// All calls of one transfer are made one after the other, on the transport's thread: they must not block, nor wait for
/// anything but a disk write. Whatever they throw ends the transfer.
public protocol ContentSink: AnyObject, Sendable {
    /// Once, before any byte.
    func begin(_ head: ContentHead) throws

    /// The next bytes, valid during the call.
    ///
    /// After `.paused` nothing of them counts as taken: the same bytes come again, perhaps with more behind them, after
    /// `flow.resume()`.
    func receive(_ bytes: UnsafeRawBufferPointer, flow: any FlowControl) throws -> SinkResult
}

/// The handle by which a sink that has paused its transfer goes on.
public protocol FlowControl: Sendable {
    /// Goes on: from any thread, at any time (even before the sink's call that pauses has returned), any number of
    /// times.
    func resume()
}
