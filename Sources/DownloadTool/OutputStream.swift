import CacheStore
import Content
import Dispatch
import Glibc
import PeerEngine
import Synchronization

/// Content on its way to standard output, a pipe or a device: in order, and only forward.
///
/// The last byte is held back until the content is verified, as far as it can be: whoever reads a pipe then sees an end
/// that is too early instead of wrong content.
final class OutputStream: Sendable {
    private struct State {
        var hashers: [DigestHasher]
        /// Nil until it is open.
        var descriptor: Int32?
        var held: [UInt8] = []
        var count: Int64 = 0
    }

    private let place: OutputPlace.Stream
    private let digests: [Digest]
    private let state: Mutex<State>

    init(_ place: OutputPlace.Stream, verifying digests: [Digest]) {
        self.place = place
        self.digests = digests
        state = Mutex(State(hashers: digests.map { DigestHasher($0.algorithm) }, descriptor: place.descriptor))
    }

    deinit {
        guard place.descriptor == nil, let descriptor = state.withLock({ $0.descriptor }) else { return }
        close(descriptor)
    }

    /// Opens it, which for a pipe takes as long as there is nobody to read.
    func open() async throws(ToolFailure) {
        guard state.withLock({ $0.descriptor }) == nil else { return }
        let path = place.name
        let (descriptor, number) = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                DispatchQueue.global().async {
                    let descriptor = Glibc.open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY)
                    continuation.resume(returning: (descriptor, errno))
                }
            }
        } onCancel: {
            // Nothing but a reader ends the wait for one.
            let reader = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
            if reader >= 0 { close(reader) }
        }
        guard descriptor >= 0 else { throw ToolFailure(.local, "\(path): \(String(cString: strerror(number)))") }
        state.withLock { $0.descriptor = descriptor }
    }

    /// Bytes taken.
    var count: Int64 { state.withLock { $0.count } }

    /// Writes all but the last byte.
    func write(_ bytes: UnsafeRawBufferPointer) throws(ToolFailure) {
        guard let last = bytes.last else { return }
        let held = state.withLock { state in
            for index in state.hashers.indices { state.hashers[index].update(bytes) }
            state.count += Int64(bytes.count)
            return state.held
        }
        try put(held)
        try put(UnsafeRawBufferPointer(rebasing: bytes.dropLast()))
        state.withLock { $0.held = [last] }
    }

    /// Checks what came, and writes the last byte.
    func finish() throws(ToolFailure) {
        let (held, found) = state.withLock { ($0.held, $0.hashers.map { $0.finalize() }) }
        for (digest, found) in zip(digests, found) where found != digest {
            throw ToolFailure(.mismatch, "the content is \(found), not \(digest); its last byte was held back")
        }
        try put(held)
        state.withLock { $0.held = [] }
    }

    /// Writes a download's content in order as it arrives.
    func write(_ head: TaskDownload.Head, of download: TaskDownload) async throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4096)
        defer { buffer.deallocate() }
        try await download.read(head, nil) { run in
            var offset = run.offset
            while offset < run.end {
                let count = try head.file.read(ByteRange(offset..<run.end), into: buffer)
                try write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                offset += Int64(count)
            }
        }
    }

    private func put(_ bytes: [UInt8]) throws(ToolFailure) {
        let result = bytes.withUnsafeBytes { bytes in
            Result { () throws(ToolFailure) in try put(bytes) }
        }
        try result.get()
    }

    private func put(_ bytes: UnsafeRawBufferPointer) throws(ToolFailure) {
        guard let descriptor = state.withLock({ $0.descriptor }) else {
            throw ToolFailure(.failure, "\(place.name) is not open")
        }
        let number = writeAll(bytes, to: descriptor)
        guard number == 0 else { throw ToolFailure(.local, "\(place.text): \(String(cString: strerror(number)))") }
    }
}
