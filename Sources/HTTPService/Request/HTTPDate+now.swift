package import Content
import Glibc

extension HTTPDate {
    /// The present moment.
    package static var now: HTTPDate {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return HTTPDate(seconds: Int64(time.tv_sec))
    }
}
