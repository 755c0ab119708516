internal import Glibc

/// State behind a lock, on whose changes threads (not tasks) can wait.
///
/// `@unchecked`: `state` is touched only while `mutex` is held; the pointers never change.
final class Monitor<State: Sendable>: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var state: State

    init(_ state: State) {
        self.state = state
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        pthread_cond_destroy(condition)
        mutex.deallocate()
        condition.deallocate()
    }

    /// Whom a change wakes.
    enum Wake {
        case one
        case all
    }

    /// Changes the state and wakes who waits.
    func change(waking wake: Wake, _ body: (inout State) -> Void) {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        body(&state)
        switch wake {
        case .one: pthread_cond_signal(condition)
        case .all: pthread_cond_broadcast(condition)
        }
    }

    /// Blocks the thread until `take` finds in the state what it looks for, and returns that.
    func wait<Found>(_ take: (inout State) -> Found?) -> Found {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let found = take(&state) { return found }
            pthread_cond_wait(condition, mutex)
        }
    }
}
