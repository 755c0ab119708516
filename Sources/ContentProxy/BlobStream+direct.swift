import BackendAPI
import Content
import HTTPService
import NIOCore
import PeerEngine
import WireAPI

/// How far a stream has come that a registry sends straight to a client.
struct DirectProgress: Sendable {
    /// Over everything that was sent; nil where only a part is wanted, whose digest nobody knows.
    var hasher: DigestHasher?
    /// Hashed, but held back: it may be the end.
    var held: ByteBuffer?
    /// Bytes that came from the registry this way.
    var received: Int64 = 0
}

extension BlobStream {
    /// Goes on straight from the registry: asked for what is missing, and again where that breaks off.
    mutating func sendDirectly(to stream: BodyStream) async throws {
        if isAtEnd { return }
        direct = try await beginDirect()
        var failures = 0
        while true {
            let before = position
            do {
                try await receive(to: stream)
                if range == nil || isAtEnd { return try await finish(to: stream) }
                guard position > before else {
                    throw BackendError(.closedEarly, "the registry answered without any of the bytes asked for")
                }
            } catch let error as BackendError {
                failures = position > before ? 1 : failures + 1
                let delay = engine.originRetry.delay(after: error, attempt: failures, chance: .random(in: 0..<1))
                guard let delay else { throw error }
                try await Task.sleep(for: delay)
            }
        }
    }

    private func beginDirect() async throws -> DirectProgress {
        guard isWhole else {
            notes.unverified()
            return DirectProgress()
        }
        guard let hasher = try await sent.hash(blob.digest.algorithm) else {
            throw WrongContent(description: "what was sent is not here any longer")
        }
        return DirectProgress(hasher: hasher)
    }

    /// One request for what is missing, to its end.
    private mutating func receive(to stream: BodyStream) async throws {
        let isRest = range == nil || range?.end == length
        var request = OriginRequest(resource: blob.resource, credentials: try await blob.credentials())
        if let end = range?.end, !isRest {
            request.range = .closed(ByteRange(position..<end))
        } else if position > 0 {
            request.range = .from(position)
        }
        let (sink, engine, asked) = (DirectSink(from: position, length: length), engine, request)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                do throws(BackendError) {
                    try await engine.fetchDirectly(asked, into: sink)
                    sink.finish(.success(()))
                } catch {
                    sink.finish(.failure(error))
                }
            }
            defer { group.cancelAll() }
            while let buffer = try await sink.next() {
                try await take(buffer, to: stream)
                // An origin without ranges may go on behind what is wanted.
                if isAtEnd { return }
            }
        }
    }

    private mutating func take(_ buffer: ByteBuffer, to stream: BodyStream) async throws {
        var rest = buffer
        let most = range.map { $0.end - position } ?? .max
        let count = Int(min(Int64(rest.readableBytes), most))
        guard let bytes = rest.readSlice(length: count), count > 0 else { return }
        bytes.withUnsafeReadableBytes { bytes -> Void in direct?.hasher?.update(bytes) }
        direct?.received += Int64(count)
        position += Int64(count)
        let held = direct?.held
        direct?.held = bytes
        if let held { try await write(held, to: stream) }
        // The last bytes wait for the digest, which covers them.
        guard range != nil, !isAtEnd else { return }
        direct?.held = nil
        try await write(bytes, to: stream)
    }

    /// All of it has come: what was held back goes out if the whole is right.
    private mutating func finish(to stream: BodyStream) async throws {
        if let digest = direct?.hasher?.finalize(), digest != blob.digest {
            throw WrongContent(description: "the content is \(digest), not \(blob.digest)")
        }
        let held = direct?.held
        direct?.held = nil
        if let held { try await write(held, to: stream) }
    }

    func write(_ bytes: ByteBuffer, to stream: BodyStream) async throws {
        do {
            try await stream.write(bytes)
        } catch {
            throw ClientGone(cause: error)
        }
    }
}
