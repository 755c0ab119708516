internal import Glibc
internal import Synchronization

/// A pipe whose ends no child process gets but by being given one as its input or output.
struct Pipe {
    /// Held while a pipe is made and while a process is started: between `pipe` and `fcntl` a child would inherit both.
    static let creation = Mutex(())

    let read: Int32
    let write: Int32

    init() throws(RigError) {
        var ends: [Int32] = [-1, -1]
        let made = Self.creation.withLock { _ in
            guard pipe(&ends) == 0 else { return false }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            return true
        }
        guard made else { throw RigError("pipe: \(String(cString: strerror(errno)))") }
        read = ends[0]
        write = ends[1]
    }
}
