import Glibc
import NIOCore

/// A stream socket bound to an address, not listening yet.
///
/// Bound here instead of in NIO because a Unix-domain socket must be private before anybody can connect, because `::`
/// must take IPv4 whatever the system's default is, and because the errors want names.
struct BoundSocket {
    let descriptor: Int32

    /// How many connections may wait to be accepted.
    static let backlog: Int32 = 1024

    init(_ address: ListenAddress, name: String) throws(ListenError) {
        switch address.place {
        case .tcp(let host, let port):
            descriptor = try Self.bindTCP(host: host, port: port, address: address, name: name)
        case .unix(let path):
            descriptor = try Self.bindUnix(path: path, address: address, name: name)
        }
    }

    private static func bindTCP(
        host: String,
        port: Int,
        address: ListenAddress,
        name: String
    ) throws(ListenError) -> Int32 {
        let target: SocketAddress
        do {
            // The resolver knows no IPv6 address, not even `::`, where no interface has one: in many containers.
            target =
                try (try? SocketAddress(ipAddress: host, port: port))
                ?? SocketAddress.makeAddressResolvingHost(host, port: port)
        } catch {
            throw ListenError(
                .cannotBind,
                "\(name): cannot listen on \(address): no such host or address",
                cause: error
            )
        }
        do throws(Failure) {
            return try bind(target)
        } catch {
            // A machine without IPv6 still serves "all addresses".
            if host == "::", error.number == EAFNOSUPPORT || error.number == EADDRNOTAVAIL {
                return try bindTCP(host: "0.0.0.0", port: port, address: address, name: name)
            }
            throw error.listenError(address, name)
        }
    }

    private static func bindUnix(path: String, address: ListenAddress, name: String) throws(ListenError) -> Int32 {
        let target: SocketAddress
        do {
            target = try SocketAddress(unixDomainSocketPath: path)
        } catch {
            throw ListenError(.cannotBind, "\(name): cannot listen on \(address): the path is too long", cause: error)
        }
        do throws(Failure) {
            return try bind(target)
        } catch {
            guard error.number == EADDRINUSE, isStaleSocket(path, target) else {
                throw error.listenError(address, name)
            }
        }
        unlink(path)
        do throws(Failure) {
            return try bind(target)
        } catch {
            throw error.listenError(address, name)
        }
    }

    private struct Failure: Error {
        let number: Int32

        func listenError(_ address: ListenAddress, _ name: String) -> ListenError {
            let reason = String(cString: strerror(number))
            return ListenError(
                number == EADDRINUSE ? .addressInUse : .cannotBind,
                number == EADDRINUSE
                    ? "\(name): address already in use: \(address)" : "\(name): cannot listen on \(address): \(reason)"
            )
        }
    }

    private static func bind(_ target: SocketAddress) throws(Failure) -> Int32 {
        let family: Int32
        switch target {
        case .v4: family = AF_INET
        case .v6: family = AF_INET6
        case .unixDomainSocket: family = AF_UNIX
        }
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(family, type, 0)
        guard descriptor >= 0 else { throw Failure(number: errno) }
        if family == AF_UNIX {
            fchmod(descriptor, 0o600)  // bind(2) creates the file with these rights: nobody else can ever connect
        } else {
            set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
        }
        if family == AF_INET6 { set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0) }
        let result = target.withSockAddr { pointer, size in Glibc.bind(descriptor, pointer, socklen_t(size)) }
        guard result == 0 else {
            let number = errno
            close(descriptor)
            throw Failure(number: number)
        }
        return descriptor
    }

    private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Whether there is a socket file on which nobody listens: left by a process that was killed.
    private static func isStaleSocket(_ path: String, _ target: SocketAddress) -> Bool {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return false }
        let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard probe >= 0 else { return false }
        defer { close(probe) }
        let result = target.withSockAddr { pointer, size in connect(probe, pointer, socklen_t(size)) }
        return result != 0 && errno == ECONNREFUSED
    }
}
