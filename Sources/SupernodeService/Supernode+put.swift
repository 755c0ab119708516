import CacheStore
import Content
import Hummingbird
import OriginFetch
import WireAPI

extension Supernode {
    /// Takes a file that somebody sends into the store, open to everybody who knows its digest.
    func put(_ body: RequestBody, token: String?) async throws(WireError) -> PutResponse {
        try authenticate(token)
        let task = TaskID(url: "put:\(PeerID())")
        do {
            let record = OriginRecord(url: nil, digest: nil, openAccess: true)
            let file = try store.create(
                task,
                generation: Generation(length: nil, nonce: PeerID().bytes),
                layout: PieceLayout(length: nil),
                metadata: record.encoded,
                contentHash: .sha256
            )
            let length = try await receive(body, into: file)
            try file.learn(length: length)
            if length % file.layout.pieceSize != 0 {
                _ = try await file.commit(file.layout.piece(at: length - 1), expecting: nil)
            }
            guard let digest = try await store.complete(file, expecting: [], hashContent: true) else {
                throw WireError(.internalError, "the content has no digest")
            }
            return PutResponse(digest: digest, length: length)
        } catch {
            store.remove(task)
            switch error {
            case let error as WireError: throw error
            case let error as StoreError: throw WireError(error).atSupernode
            default: throw WireError(.invalidRequest, "the upload broke off")
            }
        }
    }

    private func receive(_ body: RequestBody, into file: PieceFile) async throws -> Int64 {
        var length: Int64 = 0
        for try await buffer in body {
            let before = length / file.layout.pieceSize
            try buffer.withUnsafeReadableBytes { try file.write($0, at: length) }
            length += Int64(buffer.readableBytes)
            for piece in before..<(length / file.layout.pieceSize) {
                _ = try await file.commit(PieceIndex(Int(piece)), expecting: nil)
            }
        }
        return length
    }
}
