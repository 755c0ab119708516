import BackendAPI
import Content
import OriginFetch
import WireAPI

/// The ways to one task's content that wait for their turn, and what was wrong with those that had it.
///
/// A pure value.
struct SourceLine: Sendable {
    /// Sources that have not been tried yet.
    private var untried: [Source] = []
    /// Why a source that was tried could not be used.
    private var faults: [Digest: WireError] = [:]
    /// Whether no more are taken until the next ``restart(with:)``.
    private var isClosed = true

    /// Ways that wait at most; the others ask again.
    static let mostUntried = 64
    /// Faults that are remembered at most.
    static let mostFaults = 1024

    /// A fetch begins.
    mutating func restart(with source: Source?) {
        isClosed = false
        untried = source.map { [$0] } ?? []
    }

    /// Another way to the content, for when those before it fail.
    mutating func offer(_ source: Source) {
        guard !isClosed, untried.count < Self.mostUntried, !untried.contains(where: { $0.key == source.key })
        else { return }
        untried.append(source)
    }

    /// The next source to try; with the last one gone no more are taken.
    mutating func next() -> Source? {
        guard !untried.isEmpty else {
            isClosed = true
            return nil
        }
        return untried.removeFirst()
    }

    /// The fetch is over.
    mutating func close() {
        isClosed = true
        untried = []
    }

    /// Why `source` could not be used when it was tried last.
    func fault(of source: Source) -> WireError? { faults[source.key] }

    mutating func remember(_ fault: WireError, of source: Source) {
        if faults.count >= Self.mostFaults { faults = [:] }
        faults[source.key] = fault
    }

    /// A fault of long ago says nothing of today.
    mutating func forgetFault(of source: Source) { faults[source.key] = nil }
}
