import Content
import RegistryProtocol
import Synchronization

/// A token server that answers as its closure says, and writes down what it was asked.
final class FakeTokenServer: TokenTransport {
    private let state = Mutex<[TokenRequest]>([])
    private let answer: @Sendable (TokenRequest, Int) async throws -> TokenAnswer

    init(_ answer: @escaping @Sendable (TokenRequest, Int) async throws -> TokenAnswer) { self.answer = answer }

    /// Gives `token-1`, `token-2` and so on.
    convenience init(expiresIn: Int = 300) {
        self.init { _, count in
            TokenAnswer(status: 200, body: Array(#"{"token":"token-\#(count)","expires_in":\#(expiresIn)}"#.utf8))
        }
    }

    var requests: [TokenRequest] { state.withLock { $0 } }

    func send(_ request: TokenRequest) async throws -> TokenAnswer {
        let count = state.withLock { state in
            state.append(request)
            return state.count
        }
        return try await answer(request, count)
    }
}

/// Time that a test moves.
final class ManualTime: Sendable {
    private let state = Mutex(Duration.zero)
    var now: @Sendable () -> Duration {
        { [self] in state.withLock { $0 } }
    }
    func advance(_ duration: Duration) { state.withLock { $0 += duration } }
}

/// Opens once; everybody waits until then.
final class Latch: Sendable {
    private let state = Mutex<(isOpen: Bool, waiters: [CheckedContinuation<Void, Never>])>((false, []))

    func open() {
        let waiters = state.withLock { state in
            state.isOpen = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func wait() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiters.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }
}

let bearer = #"Bearer realm="https://auth.example.com/token",service="reg",scope="repository:lib/a:pull""#
let digestText = "sha256:" + String(repeating: "0a", count: 32)
