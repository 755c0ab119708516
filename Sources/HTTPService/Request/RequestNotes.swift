import Logging
import Synchronization

/// What whoever answers a request has to say of it in the access log, besides what every request's line says.
package final class RequestNotes: Sendable {
    private let notes = Mutex<Logger.Metadata>([:])
    private let body = Mutex<RepeatableBody?>(nil)

    package init() {}

    /// One note; a later one of the same name takes its place, nil removes it.
    ///
    /// Never a secret: what stands here is logged.
    package subscript(name: String) -> String? {
        get { notes.withLock { $0[name].map { "\($0)" } } }
        set { notes.withLock { $0[name] = newValue.map { "\($0)" } } }
    }

    /// The file that is the whole body of the answer, where the same request of the same client may have the same answer for a
    /// moment: see ``RepeatedAnswers``.
    package var repeatable: RepeatableBody? {
        get { body.withLock { $0 } }
        set { body.withLock { $0 = newValue } }
    }

    var all: Logger.Metadata { notes.withLock { $0 } }
}
