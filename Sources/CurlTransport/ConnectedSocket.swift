internal import Glibc
import Synchronization

/// A connected TCP socket that nobody reads or writes yet; closed if nobody takes it.
public final class ConnectedSocket: Sendable {
    private let descriptor: Mutex<Int32>

    init(taking descriptor: Int32) { self.descriptor = Mutex(descriptor) }

    deinit {
        let descriptor = take()
        if descriptor >= 0 { close(descriptor) }
    }

    /// The descriptor, which is the caller's to close from now on.
    ///
    /// Negative if it was taken before.
    public func take() -> Int32 {
        descriptor.withLock { descriptor in
            defer { descriptor = -1 }
            return descriptor
        }
    }
}
