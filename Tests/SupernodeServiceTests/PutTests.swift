import BackendAPI
import CacheStore
import Content
import Hummingbird
import NIOCore
import TestSupport
import Testing
import WireAPI

@testable import SupernodeService

@Suite(.timeLimit(.minutes(1))) struct PutTests {
    @Test("What is put can be had by its digest alone", arguments: [0, 1, 1 << 20, (1 << 20) + 1, 3_000_000])
    func put(count: Int) async throws {
        try await withSupernode { rig in
            let bytes = randomBytes(count, seed: 1)
            let answer = try await rig.supernode.put(RequestBody(buffer: ByteBuffer(bytes: bytes)), token: nil)
            #expect(answer.digest == Digest.of(bytes))
            #expect(answer.length == Int64(count))
            let joined = try await rig.join(try rig.peer(), nil, digest: answer.digest)
            #expect(joined.length == Int64(count))
            #expect(joined.manifest.digests.count == (count + (1 << 20) - 1) >> 20)
            #expect(rig.origin.memory.requests.isEmpty)
        }
    }

    @Test("An upload that breaks off leaves nothing")
    func broken() async throws {
        struct Broken: Error {}
        try await withSupernode { rig in
            let (stream, input) = AsyncThrowingStream.makeStream(of: ByteBuffer.self)
            input.yield(ByteBuffer(bytes: randomBytes(2_000_000, seed: 2)))
            input.finish(throwing: Broken())
            let failure = await code { () async throws(WireError) in
                try await rig.supernode.put(RequestBody(asyncSequence: stream), token: nil)
            }
            #expect(failure == .invalidRequest)
            #expect(rig.store.records().isEmpty)
        }
    }
}
