import CacheStore
import Content
import Glibc
import PeerEngine
import Synchronization

/// Content on its way to standard output.
///
/// The last byte is held back until the content is verified, as far as it can be: whoever reads a pipe then sees an end
/// that is too early instead of wrong content.
final class StandardOutput: Sendable {
    private struct State {
        var hashers: [DigestHasher]
        var held: [UInt8] = []
        var count: Int64 = 0
    }

    private let digests: [Digest]
    private let descriptor: Int32
    private let state: Mutex<State>

    init(verifying digests: [Digest], descriptor: Int32 = STDOUT_FILENO) {
        self.digests = digests
        self.descriptor = descriptor
        state = Mutex(State(hashers: digests.map { DigestHasher($0.algorithm) }))
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
        var rest = bytes
        while !rest.isEmpty {
            let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                throw ToolFailure(.local, "standard output: \(String(cString: strerror(errno)))")
            }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
        }
    }
}
