import Content
import CurlTransport
import Foundation
import Logging
import Synchronization
import TestSupport

/// An HTTP client that shows a test exactly what a server answers.
struct Client: Sendable {
    /// `host:port` of the proxy that it goes through; nil: none.
    var proxy: String?
    private let transport = CurlTransport(logger: Logger(label: "client"))

    /// What a server answered.
    struct Answer: Sendable {
        let status: Int
        let headers: HeaderFields
        let body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }
        /// The digest of the body.
        var digest: Digest { Digest.of(body) }
    }

    /// A request and its whole answer.
    func send(
        _ method: String = "GET",
        _ url: String,
        _ headers: HeaderFields = [:],
        body: [UInt8]? = nil
    ) async throws -> Answer {
        let response = try await transport.send(request(method, url, headers, body), limit: 1 << 30)
        return Answer(status: response.head.status, headers: response.head.fields, body: response.body)
    }

    /// A GET whose body may break off: what came, and whether that was announced as all of it.
    ///
    /// `reached` happens once so many bytes have come.
    func receive(
        _ url: String,
        _ headers: HeaderFields = [:],
        reaching count: Int = .max,
        _ reached: TestEvent? = nil
    ) async throws -> (answer: Answer, isWhole: Bool) {
        let sink = Sink(count: count, reached: reached)
        var isWhole = true
        do throws(TransferError) {
            _ = try await transport.perform(request("GET", url, headers, nil), into: sink)
        } catch {
            guard error.code == .closedEarly || error.code == .protocolError else { throw error }
            isWhole = false
        }
        return (sink.answer, isWhole)
    }

    private func request(_ method: String, _ url: String, _ headers: HeaderFields, _ body: [UInt8]?) -> TransferRequest
    {
        var options = TransferOptions()
        options.addresses = .any
        options.proxy = proxy.map { .url("http://\($0)") } ?? .none
        options.followRedirects = false
        options.totalTimeout = .seconds(60)
        var request = TransferRequest(url: url, method: method, options: options)
        request.headers = headers
        if let body { request.body = .bytes(body) }
        return request
    }

    private final class Sink: TransferSink {
        private let state = Mutex((head: TransferHead?.none, body: [UInt8]()))
        private let count: Int
        private let reached: TestEvent?

        init(count: Int, reached: TestEvent?) {
            self.count = count
            self.reached = reached
        }

        func receive(head: TransferHead) throws { state.withLock { $0.head = head } }

        func receive(_ bytes: UnsafeRawBufferPointer, control: TransferControl) throws -> SinkResult {
            let isReached = state.withLock { state in
                state.body.append(contentsOf: bytes)
                return state.body.count >= count
            }
            if isReached { reached?.fire() }
            return .consumed
        }

        var answer: Answer {
            state.withLock { Answer(status: $0.head?.status ?? 0, headers: $0.head?.fields ?? [:], body: $0.body) }
        }
    }
}
