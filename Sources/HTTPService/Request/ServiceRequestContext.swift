package import HTTPTypes
package import Hummingbird
package import NIOCore

/// What a handler knows besides the request: who asks, and the request's logger.
package struct ServiceRequestContext: RequestContext {
    /// Hummingbird's own part.
    package var coreContext: CoreRequestContextStorage
    /// Who asks.
    package let remote: RemoteAddress
    /// The connection that the request came on.
    package let channel: any Channel
    /// Whether the client believes to talk to another server over TLS; it was let in when it asked for that.
    package internal(set) var isIntercepted = false
    /// What the access log is to say besides.
    package let notes = RequestNotes()

    /// The largest body that is decoded: 4 MiB.
    package var maxUploadSize: Int { 4 << 20 }

    /// The fields behind the request's body, once that has been read to its end; Hummingbird drops them.
    package func trailers() async -> HTTPFields? {
        let channel = channel
        return try? await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.handler(type: ConnectionGuard.self).trailers
        }.get()
    }

    /// The context of a request on a connection.
    package init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
        remote = RemoteAddress(source.channel.remoteAddress)
    }
}
