internal import CLibCurl
internal import Glibc

/// Waits until some of a transport's sockets are ready, or somebody wakes it.
///
/// What a wait costs is in proportion to what is ready, not to what is watched. All but ``wakeUp()`` is for the transport's
/// thread alone.
final class SocketWatch: Sendable {
    private let epoll: Int32
    private let bell: Int32

    /// What libcurl is to be told of a socket: `CURL_CSELECT_IN` and the like.
    struct Ready {
        let socket: curl_socket_t
        let mask: Int32
    }

    /// Nil where the process has no descriptors left.
    init?() {
        let epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard epoll >= 0 else { return nil }
        let bell = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data(fd: bell))
        guard bell >= 0, epoll_ctl(epoll, EPOLL_CTL_ADD, bell, &event) == 0 else {
            if bell >= 0 { close(bell) }
            close(epoll)
            return nil
        }
        self.epoll = epoll
        self.bell = bell
    }

    deinit {
        close(epoll)
        close(bell)
    }

    /// Ends the present wait, or else the next one; from any thread.
    func wakeUp() {
        var one: UInt64 = 1
        _ = write(bell, &one, MemoryLayout<UInt64>.size)
    }

    /// Watches a new socket until it can be written to: that is when it is connected.
    ///
    /// libcurl 7.88 closes a socket that could not connect without a word, and says nothing of the next one either where
    /// that gets the same number, which is no longer watched then.
    func expect(_ socket: curl_socket_t) {
        var event = epoll_event(events: EPOLLOUT.rawValue | EPOLLONESHOT.rawValue, data: epoll_data(fd: socket))
        _ = epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event)
    }

    /// Watches a socket for what libcurl wants to know of it: `CURL_POLL_IN` and the like; false where that is impossible.
    func watch(_ socket: curl_socket_t, for interest: Int32) -> Bool {
        var events: UInt32 = 0
        if interest == CURL_POLL_IN || interest == CURL_POLL_INOUT { events |= EPOLLIN.rawValue }
        if interest == CURL_POLL_OUT || interest == CURL_POLL_INOUT { events |= EPOLLOUT.rawValue }
        var event = epoll_event(events: events, data: epoll_data(fd: socket))
        guard events != 0 else {
            // A socket that is closed already is watched no longer.
            _ = epoll_ctl(epoll, EPOLL_CTL_DEL, socket, &event)
            return true
        }
        return epoll_ctl(epoll, EPOLL_CTL_MOD, socket, &event) == 0
            || epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event) == 0
    }

    /// Watches a socket no longer.
    func forget(_ socket: curl_socket_t) {
        var event = epoll_event()
        _ = epoll_ctl(epoll, EPOLL_CTL_DEL, socket, &event)
    }

    /// Waits, but no longer than so many milliseconds, and puts what is ready in the place of what was.
    func wait(milliseconds: Int32, into ready: inout [Ready]) {
        ready.removeAll(keepingCapacity: true)
        withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: 64) { events in
            let count = epoll_wait(epoll, events.baseAddress, Int32(events.count), milliseconds)
            for event in events.prefix(max(0, Int(count))) {
                guard event.data.fd != bell else {
                    var rings: UInt64 = 0
                    _ = read(bell, &rings, MemoryLayout<UInt64>.size)
                    continue
                }
                var mask: Int32 = 0
                if event.events & (EPOLLIN.rawValue | EPOLLHUP.rawValue) != 0 { mask |= CURL_CSELECT_IN }
                if event.events & EPOLLOUT.rawValue != 0 { mask |= CURL_CSELECT_OUT }
                if event.events & EPOLLERR.rawValue != 0 { mask |= CURL_CSELECT_ERR }
                ready.append(Ready(socket: event.data.fd, mask: mask))
            }
        }
    }
}
