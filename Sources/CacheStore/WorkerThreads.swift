internal import Glibc
internal import Synchronization

/// A few threads of their own that work through a queue of jobs, each with a buffer that it lends to the job.
///
/// Hashing and waiting for the disk have no place on the threads that run Swift's tasks. Jobs that were submitted are
/// run even when the object goes away meanwhile; then the threads end.
package final class WorkerThreads: Sendable {
    /// Tells those who wait for a job that it is done.
    typealias Report = @Sendable () -> Void
    /// What a thread runs; the buffer is its own for the duration of the call.
    ///
    /// What it returns is called when the thread has let go of the job: who has been told that the work on a file is
    /// done can rely on it that no thread holds the file.
    typealias Job = @Sendable (UnsafeMutableRawBufferPointer) -> Report?

    private let queue: JobQueue

    /// Starts the threads: as many as there are processors unless told otherwise.
    package init(count: Int? = nil, bufferSize: Int = WorkerThreads.bufferSize) {
        let count = max(1, count ?? Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        queue = JobQueue(threads: count, bufferSize: bufferSize)
        for _ in 0..<count { JobQueue.startThread(of: queue) }
    }

    deinit { queue.stop() }

    /// Large enough that system calls cost little beside hashing, small enough to stay in the second-level cache.
    package static let bufferSize = 256 << 10

    /// Queues a job, behind the others or, where `first`, in front of them.
    func submit(first: Bool = false, _ job: @escaping Job) { queue.append(job, first: first) }

    /// Runs `body` on one of the threads.
    func run<Result: Sendable>(_ body: @escaping @Sendable (UnsafeMutableRawBufferPointer) -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            submit { buffer in
                let result = body(buffer)
                return { continuation.resume(returning: result) }
            }
        }
    }

    /// Whether another job would have to wait.
    var isSaturated: Bool { queue.isSaturated }
}

/// The queue that the threads share.
private final class JobQueue: Sendable {
    private struct State {
        var jobs: [WorkerThreads.Job] = []
        var head = 0
        var urgent: [WorkerThreads.Job] = []
        var isStopped = false

        mutating func next() -> WorkerThreads.Job? {
            if let job = urgent.popLast() { return job }
            guard head < jobs.count else { return nil }
            let job = jobs[head]
            head += 1
            if head == jobs.count || head > 1024 {
                jobs.removeFirst(head)
                head = 0
            }
            return job
        }
    }

    private let bufferSize: Int
    private let idle: Atomic<Int>
    private let state = Monitor(State())

    init(threads: Int, bufferSize: Int) {
        self.bufferSize = bufferSize
        idle = Atomic(threads)
    }

    var isSaturated: Bool { idle.load(ordering: .relaxed) <= 0 }

    func append(_ job: @escaping WorkerThreads.Job, first: Bool) {
        state.change(waking: .one) { state in
            if first { state.urgent.append(job) } else { state.jobs.append(job) }
        }
        idle.subtract(1, ordering: .relaxed)
    }

    func stop() { state.change(waking: .all) { $0.isStopped = true } }

    static func startThread(of queue: JobQueue) {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(queue).toOpaque()
        let result = pthread_create(
            &thread,
            nil,
            { context in
                guard let context else { return nil }
                Unmanaged<JobQueue>.fromOpaque(context).takeRetainedValue().work()
                return nil
            },
            context
        )
        precondition(result == 0, "no thread can be started: error \(result)")
        pthread_detach(thread)
    }

    private func work() {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, bufferSize), alignment: 4096)
        defer { buffer.deallocate() }
        while runNext(buffer) { idle.add(1, ordering: .relaxed) }
    }

    /// False at the end.
    private func runNext(_ buffer: UnsafeMutableRawBufferPointer) -> Bool {
        guard let report = perform(buffer) else { return false }
        report?()
        return true
    }

    /// Runs one job and lets go of it; nil at the end.
    private func perform(_ buffer: UnsafeMutableRawBufferPointer) -> WorkerThreads.Report?? {
        next().map { $0(buffer) }
    }

    /// Waits for a job; nil once there is none left and none will come.
    private func next() -> WorkerThreads.Job? {
        state.wait { state -> WorkerThreads.Job?? in
            if let job = state.next() { return .some(job) }
            return state.isStopped ? .some(nil) : nil
        }
    }
}
