internal import Glibc
internal import Synchronization

/// Ports for servers that can not be told to use port 0.
package enum FreePort {
    private static let given = Mutex<Set<UInt16>>([])

    /// A port of 127.0.0.1 that was free a moment ago and that this process has not given to anybody yet.
    ///
    /// It comes from below the range that the kernel gives to clients and for port 0 (32768 and up), so that nobody
    /// takes it by accident before the server does.
    package static func next() -> UInt16 {
        given.withLock { given in
            while true {
                let port = UInt16.random(in: 10_000..<32_000)
                if !given.contains(port), isFree(port) {
                    given.insert(port)
                    return port
                }
            }
        }
    }

    private static func isFree(_ port: UInt16) -> Bool {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
