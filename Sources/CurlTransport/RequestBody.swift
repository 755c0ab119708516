public import Content

/// What a request sends.
public enum RequestBody: Sendable {
    /// Nothing.
    case none
    /// These bytes.
    case bytes([UInt8])
    /// A stream of `length` bytes; with nil the length is told by chunks.
    case stream(length: Int64?, any RequestBodySource)
}

/// Where a streamed request body comes from.
///
/// All calls come on the transport's thread, one at a time, and none after `perform` has returned. An error thrown ends
/// the transfer with ``TransferError/Code/refusedBySink`` and that error as its cause.
public protocol RequestBodySource: AnyObject, Sendable {
    /// Puts the next bytes into the buffer and says how many, or that there are none yet, or that it was all.
    func read(into buffer: UnsafeMutableRawBufferPointer, control: TransferControl) throws -> BodyReadResult
    /// Starts again at the first byte: a reused connection had died, or a redirect wants the body once more.
    ///
    /// False, the default, where that can not be done: the transfer fails then.
    func rewind() -> Bool
    /// The fields behind a body whose length is told by chunks; asked for once, after its end.
    ///
    /// None by default.
    func trailers() -> HeaderFields
}

extension RequestBodySource {
    /// Can not be done.
    public func rewind() -> Bool { false }

    /// None.
    public func trailers() -> HeaderFields { [:] }
}

/// The outcome of one read of a request body.
public enum BodyReadResult: Sendable {
    /// So many bytes, at least one, are in the buffer.
    case bytes(Int)
    /// There is nothing yet: ask again after `control.resume()`.
    case paused
    /// The body is complete.
    case end
}
