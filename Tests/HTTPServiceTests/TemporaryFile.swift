import Content
import Foundation
import HTTPService

/// A file that is removed when nobody needs it any more.
final class TemporaryFile: Sendable {
    let url: URL

    init(_ content: Data = Data()) throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("darter-\(UUID().uuidString)")
        try content.write(to: url)
    }

    deinit { try? FileManager.default.removeItem(at: url) }
}

/// A directory that is removed when nobody needs it any more.
final class TemporaryDirectory: Sendable {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("darter-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }
}

/// An open file that tells when its descriptor is closed.
final class OpenFile: Sendable {
    let descriptor: Int32
    private let file: TemporaryFile
    private let onClose: @Sendable () -> Void

    init(_ content: Data, onClose: @escaping @Sendable () -> Void = {}) throws {
        file = try TemporaryFile(content)
        descriptor = open(file.url.path, O_RDWR)
        self.onClose = onClose
    }

    deinit {
        close(descriptor)
        onClose()
    }

    func slice(_ range: Range<Int64>) -> FileSlice {
        FileSlice(descriptor: descriptor, range: ByteRange(range), owner: self)
    }

    func truncate(to length: Int) { ftruncate(descriptor, off_t(length)) }
}

/// Bytes that no shift or repetition maps onto themselves.
func sampleBytes(_ count: Int) -> Data {
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    var bytes = [UInt8]()
    bytes.reserveCapacity(count + 8)
    while bytes.count < count {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        withUnsafeBytes(of: state) { bytes.append(contentsOf: $0) }
    }
    return Data(bytes.prefix(count))
}
