import Glibc
import NIOCore
import NIOSSL

extension Channel {
    /// Closes at once, so that the other side sees that it was no end: over TCP by a reset, and over TLS nothing tells of an end
    /// before that (RFC 8446 §6.1).
    ///
    /// To be called on the event loop.
    func reset(promise: EventLoopPromise<Void>? = nil) {
        guard let socket = self as? any SocketOptionProvider else { return self.close(promise: promise) }
        socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in
            guard let tls = self.pipeline.syncOperations.outermostTLS else { return self.close(promise: promise) }
            tls.close(promise: promise)
        }
    }
}

extension ChannelPipeline.SynchronousOperations {
    /// What closes past all of TLS.
    fileprivate var outermostTLS: ChannelHandlerContext? {
        (try? context(handlerType: NIOSSLServerHandler.self)) ?? (try? context(handlerType: NIOSSLClientHandler.self))
    }
}
