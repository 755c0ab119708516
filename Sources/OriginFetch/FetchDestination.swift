package import BackendAPI
package import CacheStore
package import Content

/// Where an origin's bytes go: a task of the store, or dfget's output.
package protocol FetchDestination: Sendable {
    /// What an earlier attempt left, to be continued if the origin still has that version.
    func earlier() -> (file: PieceFile, record: OriginRecord)?

    /// Makes room for one generation of the content, replacing any other.
    ///
    /// Called on the transport's thread.
    func create(_ record: OriginRecord, generation: Generation, layout: PieceLayout) throws(StoreError) -> PieceFile
}

/// Why content did not arrive.
package enum FetchError: Error, Sendable {
    /// The origin's fault, or that of the credentials.
    case origin(BackendError)
    /// This node's disk.
    case store(StoreError)
    /// Nobody wants it any longer.
    case cancelled
}

extension FetchError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .origin(let error): error.message
        case .store(let error): error.message
        case .cancelled: "cancelled"
        }
    }
}
