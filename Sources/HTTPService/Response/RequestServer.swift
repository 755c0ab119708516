import Content
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// Has the responder answer a request and sends what it answers.
struct RequestServer: Sendable {
    let responder: any HTTPResponder<ServiceRequestContext>
    let observer: RequestObserver
    let connections: OpenConnections
    let repeated = RepeatedAnswers()
    let configuration: ListenerConfiguration
    let logger: Logger

    /// Thrown to have the connection closed within the response.
    struct Aborted: Error {}

    @Sendable
    func respond(to request: Request, writer: consuming ResponseWriter, on channel: any Channel) async throws {
        let start = ContinuousClock.now
        var logger = logger
        logger[metadataKey: "hb.request.id"] = .stringConvertible(RequestID())
        var context = ServiceRequestContext(source: ApplicationRequestContextSource(channel: channel, logger: logger))
        context.isIntercepted = connections.isIntercepted(channel)
        if request.headers[.expect]?.lowercased() == "100-continue" {
            channel.writeAndFlush(HTTPResponsePart.head(HTTPResponse(status: .continue)), promise: nil)
        }
        let isSurplus = connections.isSurplus(channel)
        let response = isSurplus ? refusal(request, context) : try await answer(request, context)
        let (outcome, failure) = await send(response, to: request, context)
        observer.observed(request, context, outcome, since: start)
        if let failure { throw failure }
        await keep(response, outcome, request, context)
    }

    /// Has an answer given again that may be.
    private func keep(
        _ response: Response,
        _ outcome: Outcome,
        _ request: Request,
        _ context: ServiceRequestContext
    ) async {
        guard let repeatable = context.notes.repeatable, response.status == .ok,
            repeatable.slice.range.count == outcome.bytes, outcome.bytes <= RepeatedAnswers.longest
        else { return }
        let (channel, head) = (context.channel, request.head)
        // Without one the client is gone.
        @Sendable func handler() -> RepeatHandler? {
            try? channel.pipeline.syncOperations.handler(type: RepeatHandler.self)
        }
        let isWanted = try? await channel.eventLoop.submit {
            handler()?.wants(head, length: Int(outcome.bytes)) ?? false
        }.get()
        guard isWanted == true, let body = try? repeatable.slice.contents(repeatable.slice.range) else { return }
        let line = RequestObserver.line(request, context, outcome)
        channel.eventLoop.execute {
            handler()?.keep(body, of: head, line: line, count: repeatable.count, on: channel.eventLoop)
        }
    }

    /// Who calls again later may find fewer connections.
    private func refusal(_ request: Request, _ context: ServiceRequestContext) -> Response {
        let error = APIError.unavailable("there are as many connections as there may be", retryAfter: .seconds(5))
        var response = ErrorResponse.response(for: error, request, context)
        response.headers[.connection] = "close"
        return response
    }

    /// How a response ended.
    struct Outcome: Sendable {
        var status: Int
        var bytes: Int64
        var isComplete: Bool
    }

    private func answer(_ request: Request, _ context: ServiceRequestContext) async throws -> Response {
        do {
            return try await responder.respond(to: request, context: context)
        } catch let error as HTTPParserError {
            throw error  // Hummingbird answers 400 and closes
        } catch {
            return ErrorResponse.response(for: error, request, context)
        }
    }

    private func send(
        _ response: Response,
        to request: Request,
        _ context: ServiceRequestContext
    ) async -> (Outcome, Aborted?) {
        let (sender, wantsBody) = prepare(response, for: request, context)
        do {
            if wantsBody { try await response.body.write(sender) }
            guard !wantsBody || sender.isFinished else {
                throw BodyFailure(.unfinished, "the handler did not end the body")
            }
            if !wantsBody { try await sender.finishHead(closing: Self.hasUnknownEnd(response, request)) }
        } catch {
            if !sender.hasBegun, context.channel.isActive, !Task.isCancelled {
                return await replace(with: ErrorResponse.response(for: error, request, context), request, context)
            }
            let isFault = error is BodyFailure
            context.logger.log(
                level: isFault ? .error : .debug,
                "aborted a response",
                metadata: ["path": "\(request.uri.path)", "sent": "\(sender.bytesSent)", "error": "\(error)"]
            )
            return (Outcome(status: response.status.code, bytes: sender.bytesSent, isComplete: false), Aborted())
        }
        return (Outcome(status: response.status.code, bytes: sender.bytesSent, isComplete: true), nil)
    }

    /// Sends an error's response in place of one of which nothing was sent.
    private func replace(
        with response: Response,
        _ request: Request,
        _ context: ServiceRequestContext
    ) async -> (Outcome, Aborted?) {
        let (sender, wantsBody) = prepare(response, for: request, context)
        do {
            if wantsBody { try await response.body.write(sender) } else { try await sender.finishHead(closing: false) }
            return (Outcome(status: response.status.code, bytes: sender.bytesSent, isComplete: true), nil)
        } catch {
            return (Outcome(status: response.status.code, bytes: sender.bytesSent, isComplete: false), Aborted())
        }
    }

    private func prepare(
        _ response: Response,
        for request: Request,
        _ context: ServiceRequestContext
    ) -> (ResponseSender, Bool) {
        var head = response.head
        if head.headerFields[.date] == nil { head.headerFields[.date] = HTTPDate.now.description }
        let asksToClose = request.headers[.connection]?.lowercased() == "close"
        if asksToClose || connections.isLeaving || Self.hasUnknownEnd(response, request) || request.head.endsHTTP {
            head.headerFields[.connection] = "close"
        }
        let wantsBody = request.method != .head && Self.mayHaveBody(response.status)
        let announced = head.headerFields[.contentLength].flatMap { Int64($0) }
        let sender = ResponseSender(
            head: head,
            announced: wantsBody ? announced : nil,
            channel: context.channel,
            secure: configuration.tls != nil || context.isIntercepted,
            takeover: Takeover(
                channel: context.channel,
                connections: connections,
                maximumHeaderBytes: configuration.maximumHeaderBytes
            )
        )
        return (sender, wantsBody)
    }

    /// A HEAD's response without a length would be framed as chunked and its terminating chunk taken for the next response.
    private static func hasUnknownEnd(_ response: Response, _ request: Request) -> Bool {
        request.method == .head && mayHaveBody(response.status) && response.headers[.contentLength] == nil
    }

    private static func mayHaveBody(_ status: HTTPResponse.Status) -> Bool {
        if status == .switchingProtocols { return true }
        return status != .noContent && status != .notModified && status.kind != .informational
    }
}
