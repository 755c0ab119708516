import NIOCore

/// How much of what is sent the kernel takes before the client has it.
enum SendBuffer: Sendable, Hashable {
    /// As much as it thinks right, which grows until the queue of the narrowest link on the way is full.
    case automatic
    /// So many bytes; the kernel allows twice that, its own bookkeeping included.
    case limited(CInt)

    /// What a path needs of which this is known; nil: not enough is.
    ///
    /// A path that holds little is as fast with a small buffer, and everything else that goes through its links is in time:
    /// above all the short calls that say what comes next. A long path needs, and keeps, a large one.
    init?(_ path: PathInfo) {
        // Of a handshake or a few short answers a round trip is all that can be seen.
        guard path.acknowledged >= Self.leastSample, path.busyTime > path.receiverLimited, path.leastRoundTrip != .max
        else {
            return nil
        }
        let time = Double(path.busyTime - path.receiverLimited)
        let held = Double(path.acknowledged) / time * Double(path.leastRoundTrip)
        self = held > Self.most ? .automatic : .limited(64 << 10)
    }

    private static let leastSample: UInt64 = 256 << 10
    /// Bytes under way at once: a quarter of what a limited buffer lets through.
    private static let most = Double(32 << 10)
}

/// What the kernel tells of a connection: `tcp_info` of Linux (uapi/linux/tcp.h), as far as it is used here.
///
/// Where the kernel knows less, the rest is 0.
struct PathInfo: Sendable {
    private var before: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)
    private var further: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0)
    /// Bytes that the client has acknowledged.
    var acknowledged: UInt64 = 0
    private var received: UInt64 = 0
    private var segments: UInt64 = 0
    private var notSent: UInt32 = 0
    /// The shortest round trip of late, in microseconds.
    var leastRoundTrip: UInt32 = 0
    private var dataSegments: UInt64 = 0
    private var deliveryRate: UInt64 = 0
    /// For how long anything was being sent, in microseconds.
    var busyTime: UInt64 = 0
    /// For how much of that the client had no room for more, in microseconds.
    var receiverLimited: UInt64 = 0
}

extension ServiceRequestContext {
    /// Has the kernel take no more of the body than the path to the client can make use of.
    package func fitSendBuffer() {
        // Within one machine, where both ends have one address, no link has a queue.
        guard channel.localAddress?.ipAddress != channel.remoteAddress?.ipAddress,
            let socket = channel as? any SocketOptionProvider
        else { return }
        channel.eventLoop.execute {
            let path: EventLoopFuture<PathInfo> = socket.unsafeGetSocketOption(level: .tcp, name: .tcp_info)
            path.whenSuccess { path in
                switch SendBuffer(path) {
                case .limited(let bytes):
                    _ = socket.unsafeSetSocketOption(level: .socket, name: .so_sndbuf, value: bytes)
                // Since Linux 5.15; before that, a buffer once limited stays so.
                case .automatic: _ = socket.unsafeSetSocketOption(level: .socket, name: .bufferLock, value: CInt(0))
                case nil: break
                }
            }
        }
    }
}

extension NIOBSDSocket.Option {
    /// SO_BUF_LOCK of socket(7), which glibc's headers lack: 0 gives the buffers back to the kernel's own judgement.
    fileprivate static let bufferLock = NIOBSDSocket.Option(rawValue: 72)
}
