package import Content
import Glibc

/// Bytes of an open file that are to be sent.
///
/// The descriptor is only borrowed: `owner` keeps it open for as long as the slice lives, and whoever sends the slice
/// keeps it until the last byte is sent or the sending has failed.
package struct FileSlice: Sendable {
    /// A descriptor that can be read from.
    package let descriptor: Int32
    /// The bytes of the file that are meant.
    package let range: ByteRange
    /// Whoever closes the descriptor when it is released.
    package let owner: any AnyObject & Sendable

    /// The given bytes of a file.
    package init(descriptor: Int32, range: ByteRange, owner: any AnyObject & Sendable) {
        self.descriptor = descriptor
        self.range = range
        self.owner = owner
    }

    /// Cuts it into consecutive ranges of at most `size` bytes.
    func parts(of size: Int64) -> some Sequence<ByteRange> {
        sequence(state: range.offset) { [range] offset in
            guard offset < range.end else { return nil }
            defer { offset = min(offset + size, range.end) }
            return ByteRange(offset..<min(offset + size, range.end))
        }
    }

    /// Throws if the file ends before `end`: sendfile(2) would send nothing then, again and again.
    func verify(reaches end: Int64) throws(BodyFailure) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw BodyFailure(.unreadable, "fstat: errno \(errno)") }
        guard status.st_size >= end else {
            throw BodyFailure(.unreadable, "the file has \(status.st_size) bytes, \(end) are needed")
        }
    }

    /// Reads exactly the bytes of `part`.
    func read(_ part: ByteRange, into buffer: UnsafeMutableRawBufferPointer) throws(BodyFailure) {
        var done = 0
        while done < Int(part.count) {
            let count = pread(
                descriptor,
                buffer.baseAddress.map { $0 + done },
                Int(part.count) - done,
                off_t(part.offset) + done
            )
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw BodyFailure(.unreadable, "pread: errno \(errno)") }
            guard count > 0 else {
                throw BodyFailure(.unreadable, "the file ends at byte \(part.offset + Int64(done))")
            }
            done += count
        }
    }
}
