import Glibc

/// Standard input, output and error, whatever the caller has left of them.
package enum StandardDescriptors {
    /// Opens those that are closed, so that nothing else ever gets their numbers and then takes what is meant for them.
    ///
    /// Before anything else is opened. Each is opened the wrong way round: to use it fails, as if it were closed still.
    package static func occupy() {
        for (number, mode) in [(STDIN_FILENO, O_WRONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_RDONLY)]
        where fcntl(number, F_GETFD) < 0 {
            _ = open("/dev/null", mode)
        }
    }
}
