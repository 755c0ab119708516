internal import Foundation

/// Runs a long computation on a thread of its own.
///
/// The few threads that all tests share are those that servers in this process answer on: a test that keeps one of them
/// busy for seconds makes others' calls time out.
package func onOwnThread<Value: Sendable>(_ compute: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
        Thread.detachNewThread { continuation.resume(returning: compute()) }
    }
}
