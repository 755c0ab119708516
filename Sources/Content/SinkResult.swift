/// What a sink did with the bytes it was handed.
public enum SinkResult: Sendable, Hashable {
    /// It took them all.
    case consumed
    /// It took none of them, and wants them again once it has told the sender to go on.
    case paused
}
