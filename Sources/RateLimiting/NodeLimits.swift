public import Content

/// What the transfers of a node keep: a limit of all together, and one of each task, for each direction.
public struct NodeLimits: Sendable {
    /// What is sent to other nodes.
    public let upload: RateLimits<TaskID>
    /// What is received, from wherever.
    public let download: RateLimits<TaskID>
    /// What is received from origins; counts as ``download``, too.
    public let origin: RateLimits<TaskID>

    /// These limits.
    public init(upload: RateLimits<TaskID>, download: RateLimits<TaskID>, origin: RateLimits<TaskID>) {
        self.upload = upload
        self.download = download
        self.origin = origin
    }

    /// None.
    public static let unlimited = NodeLimits(upload: .init(), download: .init(), origin: .init())

    /// What an upload of a piece keeps.
    public func uploads(of task: TaskID) -> [RateLimiter] { Self.list(upload.limiter(of: task)) }

    /// What a download from another node keeps.
    public func downloads(of task: TaskID) -> [RateLimiter] { Self.list(download.limiter(of: task)) }

    /// What a fetch from an origin keeps.
    public func fetches(of task: TaskID) -> [RateLimiter] {
        Self.list(origin.limiter(of: task), download.limiter(of: task))
    }

    /// What a transfer from an origin keeps that belongs to no task.
    public var relays: [RateLimiter] { Self.list(origin.total, download.total) }

    private static func list(_ limiters: RateLimiter?...) -> [RateLimiter] { limiters.compactMap { $0 } }
}
