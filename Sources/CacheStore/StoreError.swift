internal import Glibc

/// Why the store could not do what was asked.
package struct StoreError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure, to decide by.
    package struct Code: Hashable, Sendable {
        private enum Kind: Hashable, Sendable {
            case diskFull, quotaExceeded, locked, digestMismatch, contentMismatch, corrupt, io(Int32)
            case cancelled, failed, outOfRange, closed, readOnly, invalidTarget
        }

        private let kind: Kind

        /// The file system has no room, or not above the free-space floor.
        package static let diskFull = Code(kind: .diskFull)
        /// The content is larger than what can be made free within the quota.
        package static let quotaExceeded = Code(kind: .quotaExceeded)
        /// Another process owns the directory or the output.
        package static let locked = Code(kind: .locked)
        /// A piece's bytes are not those of its digest.
        package static let digestMismatch = Code(kind: .digestMismatch)
        /// The whole content is not what its digest says.
        package static let contentMismatch = Code(kind: .contentMismatch)
        /// What is on disk is not what was committed.
        package static let corrupt = Code(kind: .corrupt)
        /// A system call failed.
        package static func io(_ number: Int32) -> Code { Code(kind: .io(number)) }
        /// The caller's task was cancelled.
        package static let cancelled = Code(kind: .cancelled)
        /// The download that fills the file has failed; see `cause`.
        package static let failed = Code(kind: .failed)
        /// Bytes outside the content, or not committed.
        package static let outOfRange = Code(kind: .outOfRange)
        /// The store has been closed.
        package static let closed = Code(kind: .closed)
        /// The file can only be read.
        package static let readOnly = Code(kind: .readOnly)
        /// The output's path can not become a file (a directory, a missing parent).
        package static let invalidTarget = Code(kind: .invalidTarget)

        /// The system's error number of an `io` failure.
        package var errno: Int32? {
            guard case .io(let number) = kind else { return nil }
            return number
        }
    }

    /// The kind of failure.
    package let code: Code
    /// For a person.
    package let message: String
    /// What led to it.
    package let cause: (any Error)?

    /// An error with its code and message.
    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// The last failed system call: `what` says what was attempted.
    static func system(_ what: String, _ number: Int32 = errno) -> StoreError {
        let text = String(cString: strerror(number))
        switch number {
        case ENOSPC, EDQUOT: return StoreError(.diskFull, "\(what): \(text)")
        default: return StoreError(.io(number), "\(what): \(text)")
        }
    }

    /// The message with its cause.
    package var description: String { cause.map { "\(message) (\($0))" } ?? message }
}
