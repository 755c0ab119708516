import Glibc

/// Writes all of `bytes`, also to a descriptor that does not itself wait until there is room (`O_NONBLOCK`).
///
/// Returns 0, or the error number of what went wrong.
package func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int32 {
    var rest = bytes
    while !rest.isEmpty {
        let count = write(descriptor, rest.baseAddress, rest.count)
        if count >= 0 {
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
            continue
        }
        switch errno {
        case EINTR: continue
        case EAGAIN:
            var room = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            poll(&room, 1, -1)
        default: return errno
        }
    }
    return 0
}
