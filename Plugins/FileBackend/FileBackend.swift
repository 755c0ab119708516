public import BackendAPI
internal import Content
internal import CurlTransport
internal import Dispatch
public import Logging
internal import OriginTransfer
internal import RateLimiting
internal import Synchronization

/// Serves regular files below configured roots, through libcurl like everything else.
///
/// libcurl reads a file to its end in one go on its thread and can not pause; so files have a thread of their own, and
/// are read a piece at a time.
public final class FileBackend: Backend {
    private static let piece = 4 << 20

    private let configuration: FileConfiguration
    private let logger: Logger
    private let transport = Mutex<CurlTransport?>(nil)
    /// Opening and listing wait for disks and file servers.
    private let queue = DispatchQueue(label: "darter.files", attributes: .concurrent)

    /// A backend for the roots of `configuration`; nothing is started before it is used.
    public init(configuration: FileConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    /// Everything, on this node only.
    public let capabilities: BackendCapabilities = [.ranges, .listing, .nodeLocal]

    /// Reads the file, or the range of it.
    ///
    /// A file that changes meanwhile is ``BackendError/Code/changedAtOrigin`` before the piece's end is reached.
    public func fetch(_ request: OriginRequest, into sink: any ContentSink) async throws(BackendError) {
        let (file, status) = try await open(request)
        let head = try FileHead.head(of: status, for: request)
        do {
            try sink.begin(head)
        } catch {
            throw BackendError(.sinkFailed, "the content was refused", cause: error)
        }
        let range = head.notModified ? ByteRange(length: 0) : head.range ?? ByteRange(length: status.length)
        try await read(range, of: file, status, keeping: RateGrant(request.limits), into: sink)
    }

    /// Length and version of the file.
    public func head(_ request: OriginRequest) async throws(BackendError) -> ContentHead {
        var request = request
        request.range = nil
        let (_, status) = try await open(request)
        return try FileHead.head(of: status, for: request)
    }

    /// The files and directories in a directory, by name.
    public func list(_ request: OriginRequest) async throws(BackendError) -> [ListedEntry] {
        let path = try FilePath(request.resource.url, roots: configuration.roots)
        return try await onQueue { () throws(BackendError) in try DirectoryListing.entries(path) }
    }

    private func open(_ request: OriginRequest) async throws(BackendError) -> (OpenFile, FileStatus) {
        let path = try FilePath(request.resource.url, roots: configuration.roots)
        return try await onQueue { () throws(BackendError) in
            let file = try OpenFile.regular(path)
            return (file, try file.status())
        }
    }

    private func read(
        _ range: ByteRange,
        of file: OpenFile,
        _ status: FileStatus,
        keeping limits: RateGrant,
        into sink: any ContentSink
    ) async throws(BackendError) {
        var transfer = TransferRequest(url: "file:///proc/self/fd/\(file.descriptor)", options: Self.options)
        let transport = transport.withLock { transport in
            let made = transport ?? CurlTransport(logger: logger)
            transport = made
            return made
        }
        let gate = FlowGate()
        // Not the transport's to keep: it would hold up the reading of all other files.
        var grant = limits
        defer { grant.release() }
        let piece = Int64(grant.portion(upTo: Self.piece))
        var position = range.offset
        while position < range.end {
            let part = ByteRange(position..<min(position + piece, range.end))
            transfer.range = .closed(part)
            do { try await grant.take(Int(part.count)) } catch { throw BackendError(.cancelled, "cancelled") }
            let reader = FileSink(into: sink, gate: gate)
            let failure = await Self.failure { () throws(TransferError) in
                _ = try await transport.perform(transfer, into: reader)
            }
            position += reader.taken
            if Task.isCancelled { throw BackendError(.cancelled, "cancelled") }
            if let failure = reader.failure { throw failure }
            if try file.status() != status {
                throw BackendError(.changedAtOrigin, "\(Self.name): changed while it was read")
            }
            if reader.hasPaused {
                try await gate.pass()
            } else if let failure {
                throw BackendError(failure)
            } else if reader.taken < part.count {
                throw BackendError(.closedEarly, "\(Self.name): ended at \(position) of \(status.length) bytes")
            }
        }
        withExtendedLifetime(file) {}
    }

    private static let name = "the file"

    private static var options: TransferOptions {
        var options = TransferOptions()
        options.schemes = ["file"]
        return options
    }

    private static func failure(_ body: () async throws(TransferError) -> Void) async -> TransferError? {
        do throws(TransferError) {
            try await body()
            return nil
        } catch {
            return error
        }
    }

    private func onQueue<Value: Sendable>(
        _ body: @escaping @Sendable () throws(BackendError) -> Value
    ) async throws(BackendError) -> Value {
        let result = await withCheckedContinuation { continuation in
            queue.async {
                continuation.resume(returning: Result<Value, BackendError> { () throws(BackendError) in try body() })
            }
        }
        return try result.get()
    }
}
