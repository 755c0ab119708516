import Foundation

/// A TCP connection for what curl would not do.
final class RawClient: Sendable {
    struct Failure: Error { let number: Int32 }

    private let descriptor: Int32

    init(port: Int, host: String = "127.0.0.1") throws {
        descriptor = Self.socket(AF_INET)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        inet_pton(AF_INET, host, &address.sin_addr)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw Failure(number: errno) }
        limitPatience()
    }

    init(path: String) throws {
        descriptor = Self.socket(AF_UNIX)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw Failure(number: errno) }
        limitPatience()
    }

    /// No program that another test starts meanwhile keeps the connection open.
    private static func socket(_ family: Int32) -> Int32 {
        Foundation.socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    }

    private func limitPatience() {
        var limit = timeval(tv_sec: 45, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { Foundation.close(descriptor) }

    /// Ends the connection; further calls fail.
    func close() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    /// Says that nothing more will be sent.
    func endOutput() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Has the end of this object send a reset instead of a clean end.
    func resetAtClose() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    func send(_ text: String) async throws {
        try await onThread { [descriptor] in
            let bytes = Array(text.utf8)
            var done = 0
            while done < bytes.count {
                let count = bytes.withUnsafeBytes {
                    Foundation.send(
                        descriptor,
                        $0.baseAddress.map { $0 + done },
                        bytes.count - done,
                        Int32(MSG_NOSIGNAL)
                    )
                }
                guard count > 0 else { throw Failure(number: errno) }
                done += count
            }
        }
    }

    /// At most `limit` bytes; empty at the end of the stream.
    ///
    /// Throws after 45 s without a byte.
    func read(_ limit: Int) async throws -> Data {
        try await onThread { [descriptor] in
            var bytes = [UInt8](repeating: 0, count: limit)
            let count = recv(descriptor, &bytes, limit, 0)
            guard count >= 0 else { throw Failure(number: errno) }
            return Data(bytes.prefix(count))
        }
    }

    func readToEnd() async throws -> Data {
        var all = Data()
        while true {
            let more = try await read(1 << 20)
            if more.isEmpty { return all }
            all += more
        }
    }

    /// Everything up to the end of the connection, which may be a reset.
    func readToTheLast() async throws -> Data {
        var all = Data()
        do {
            while true {
                let more = try await read(1 << 20)
                if more.isEmpty { return all }
                all += more
            }
        } catch let error as Failure where error.number == ECONNRESET {
            return all
        }
    }

    /// Blocking calls have a thread of their own, so that they can not starve the server under test.
    private func onThread<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            Thread { continuation.resume(with: Result { try work() }) }.start()
        }
    }
}
