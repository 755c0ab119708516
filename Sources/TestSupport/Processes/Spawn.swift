internal import Glibc
internal import Synchronization

private typealias CloseFrom = @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32) -> Int32

/// glibc's `posix_spawn_file_actions_addclosefrom_np`, which its headers show to GNU sources only.
private func closeFrom(_ actions: UnsafeMutablePointer<posix_spawn_file_actions_t>, _ first: Int32) {
    guard let symbol = dlsym(nil, "posix_spawn_file_actions_addclosefrom_np") else { return }
    _ = unsafeBitCast(symbol, to: CloseFrom.self)(actions, first)
}

/// What a child process is started with.
struct SpawnRequest {
    /// Found through PATH unless it has a slash.
    var executable: String
    var arguments: [String]
    /// The whole environment.
    var environment: [String: String]
    var input: Int32
    var output: Int32
    var error: Int32

    /// Starts the process as the leader of a process group of its own (so that Ctrl-C at the terminal does not reach
    /// it, and everything it starts can be ended with it) and with default signals.
    func spawn() throws(RigError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (descriptor, target) in [(input, Int32(0)), (output, 1), (error, 2)] {
            posix_spawn_file_actions_adddup2(&actions, descriptor, target)
        }
        // Not every descriptor of this process is close-on-exec, and a socket that lives on in a child never closes.
        closeFrom(&actions, 3)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        posix_spawnattr_setflags(&attributes, Int16(flags))

        let argumentPointers = ([executable] + arguments).map { strdup($0) } + [nil]
        let environmentPointers = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in argumentPointers + environmentPointers { free(pointer) } }
        var pid = pid_t()
        let result = Pipe.creation.withLock { _ in
            posix_spawnp(&pid, executable, &actions, &attributes, argumentPointers, environmentPointers)
        }
        guard result == 0 else { throw RigError("\(executable): \(String(cString: strerror(result)))") }
        return pid
    }
}
